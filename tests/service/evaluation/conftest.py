"""One small simulated library, read and played once for all tests here."""

from pathlib import Path

import pytest

from service.evaluation import scenes
from service.evaluation.scenes import Scene
from service.evaluation.study import Played
from service.evaluation.trials import Trial, TrialRole, passes, run
from service.evaluation.worlds import Library

LIBRARY = Library("university", 41, accounts=400, days=30)
TRIALS = (
    Trial(TrialRole.MAIN, "as in force", 2.0),
    Trial(TrialRole.BUDGET, "1 a day", 1.0),
    Trial(TrialRole.MEMBER, "without evidence", 2.0, members=("classifiers", "trees")),
    Trial(TrialRole.EXPECTED, "with expected verdicts", 2.0),
)


def quiet(_: float) -> None:
    """Nobody watches."""


@pytest.fixture(scope="session")
def scene_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scene")
    LIBRARY.make(folder, quiet)
    return folder


@pytest.fixture(scope="session")
def scene(scene_folder: Path) -> Scene:
    return scenes.load(scene_folder)


@pytest.fixture(scope="session")
def played(scene: Scene, scene_folder: Path) -> Played:
    together, alone = passes(TRIALS, None)
    assert (together, alone) == ((0, 1, 2), (3,))
    alerts = [run(scene_folder, [TRIALS[n] for n in one], None, quiet) for one in (together, alone)]
    return Played(scene, (*alerts[0].alerts, *alerts[1].alerts), alerts[0].rarity)

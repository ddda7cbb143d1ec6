"""New keys by the calendar: an account that is seen again is the account it was, to the last bit."""

from pathlib import Path

import pytest

from pseudonymiser import epochs
from pseudonymiser.geo import open_geo
from pseudonymiser.ingest import Ingest, IngestSettings
from pseudonymiser.keys import Keys
from service.kernel.account_record import ACCOUNT
from service.pipeline.account_table import HEADER
from service.pipeline.site_pipeline import Pipeline
from service.policy.loading import load_policy
from service.records.events import AccessEvent
from service.simulator import SimulationSettings, simulate
from tests.e2e.sites import COMMON

OLD = Keys(bytes(range(32)))
RECORD = len(HEADER) + ACCOUNT.itemsize
States = dict[str, bytes]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    simulate(SimulationSettings(seed=11, accounts=250, days=8, thefts_per_day=1.0), folder)
    return folder


@pytest.fixture(scope="module")
def lines(library: Path) -> list[bytes]:
    return (library / "access.log").read_bytes().splitlines()


def room(library: Path, secrets: Keys) -> Ingest:
    geo = open_geo(library / "city.mmdb", library / "asn.mmdb", ())
    return Ingest(IngestSettings(log_format=COMMON, timezone="Europe/London"), secrets, geo)


def fed(reading: Ingest, lines: list[bytes]) -> list[AccessEvent]:
    return [e for e in reading.feed(lines, source="access.log") if isinstance(e, AccessEvent)]


def test_an_active_account_keeps_all_that_was_learnt(library: Path, lines: list[bytes]) -> None:
    """In the morning the keys are rotated; in the evening every record is what it would have been.

    Until midnight: which accounts the site learns from goes by their pseudonyms.
    """
    before = room(library, OLD)
    morning, evening = _after(lines, hours=6 * 24 + 8), _after(lines, hours=6 * 24 + 14)
    pipeline = Pipeline(load_policy())
    pipeline.absorb(fed(before, lines[:morning]))
    saved, state = pipeline.drain(), before.state()

    undisturbed = _resumed(dict(saved.accounts), saved.shared)
    undisturbed.absorb(fed(before, lines[morning:evening]))
    expected = dict(undisturbed.drain().accounts)

    after = room(library, epochs.rotated(OLD, before.watermark))
    after.restore(state)
    events = fed(after, lines[morning:evening])
    links = after.links()
    names = {link.old: link.new for link in links}
    moved = _resumed(dict(saved.accounts), saved.shared)
    moved.link(links)
    moved.absorb(events)
    found = dict(moved.drain().accounts)
    assert len(names) > 10
    assert {names.get(old, old): state[:RECORD] for old, state in expected.items()} == {
        new: state[:RECORD] for new, state in found.items()
    }


def test_after_a_leak_everybody_is_new(library: Path, lines: list[bytes]) -> None:
    before, after = room(library, OLD), room(library, epochs.renewed(OLD))
    old, new = ({e.account for e in fed(reading, lines[:500])} - {""} for reading in (before, after))
    assert len(old) == len(new) > 1
    assert not old & new
    assert after.links() == ()


def _after(lines: list[bytes], *, hours: int) -> int:
    """The first line so many hours after the log's first."""
    probe = Ingest(IngestSettings(log_format=COMMON, timezone="Europe/London"), OLD, open_geo(None, None, ()))
    times = [e.time if isinstance(e, AccessEvent) else 0 for e in probe.feed(lines, source="access.log")]
    return next(n for n, time in enumerate(times) if time - times[0] >= hours * 3600)


def _resumed(accounts: States, shared: object) -> Pipeline:
    pipeline = Pipeline(load_policy())
    pipeline.restore(accounts.items(), shared)  # type: ignore[arg-type]  # a drain's mapping
    return pipeline

"""An example report, with every kind of figure."""

from pathlib import Path

from models.evaluation.changes import Change
from models.evaluation.figures import Bin, Burden, DetectorSummary, Family, Load
from models.evaluation.groups import compare
from models.evaluation.intervals import proportion, quartiles
from models.evaluation.records import Cell
from service.evaluation.report import (
    MINIMUM_CELL,
    VERSION,
    Heavy,
    NamedLoad,
    Part,
    PartChanges,
    Report,
    file_name,
    to_json,
)


def keep(folder: Path, report: Report) -> str:
    """Writes it as `evaluate` does; gives its name in addresses."""
    folder.mkdir(exist_ok=True)
    name = file_name(report)
    (folder / f"{name}.json").write_bytes(to_json(report))
    return name


def example() -> Report:
    """A report with every kind of figure."""
    cells = (Cell("user type", "student", 9000, 60, 45), Cell("user type", "<nhs>", 1000, 20, 15))
    burden = Burden(10_000, 80, 60, 80.0, 60.0)
    out = quartiles([3, 9, 20])
    families = tuple(
        Family(name, proportion(hits, of), quartiles([80, 90]), out, out)
        for name, hits, of in (("burst", 9, 10), ("mimic", 0, 2), ("all but mimic", 9, 10), ("all", 9, 12))
    )
    part = Part(
        source="simulated",
        title="university; seeds 1",
        truth="known thefts",
        burden=burden,
        precision=proportion(20, 80),
        loads=(NamedLoad("university, seed 1", Load(46, 138, 3.0, 3.0, 9, 2.4, 3.6)),),
        bins=(Bin(0.0, 0.05, 0.02, proportion(2, 50)), Bin(0.9, 1.0, 0.95, proportion(9, 10))),
        families=families,
        budgets=(
            DetectorSummary("1 a day", 1.0, proportion(6, 10), out, 1.1, burden),
            DetectorSummary("as in force", 3.0, proportion(9, 10), out, 3.0, burden),
        ),
        members=(DetectorSummary("without trees", 3.0, proportion(8, 10), out, 3.1, burden),),
        burdens=compare(cells, Cell("", "everyone", 10_000, 80, 60), MINIMUM_CELL),
        heavy=(Heavy("reviewer", burden, None),),
    )
    changes = (PartChanges("simulated", (Change("recall: all", 0.5, 0.75, 0.1, 0.4, True),)),)
    return Report(
        VERSION,
        "2026-11-03T04:05:06Z",
        "0123456789ab",
        "model/1",
        3.0,
        MINIMUM_CELL,
        (part,),
        "2026-10-03",
        changes,
    )

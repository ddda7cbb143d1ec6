"""When a site's next report is due, and which of its logs it looks at. Wall clock: this is an edge."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from glob import glob
from pathlib import Path

RECENT_DAYS = 31
_CODE = re.compile(r"%[-_0^#]?[A-Za-z]")


def is_due(made: Iterable[datetime], day: int, now: datetime) -> bool:
    """Whether no report was made since the last ``day`` of a month (1 to 28); 0 is never.

    >>> now = datetime(2026, 11, 27, tzinfo=UTC)
    >>> is_due([], 3, now), is_due([datetime(2026, 11, 4, tzinfo=UTC)], 3, now), is_due([], 0, now)
    (True, False, False)
    """
    if not day:
        return False
    this = now.replace(day=day, hour=0, minute=0, second=0, microsecond=0)
    last = this if this <= now else (this.replace(day=1) - timedelta(days=1)).replace(day=day)
    return not any(at >= last for at in made)


def made_at(path: Path) -> datetime:
    """When a report was made, by its name."""
    return datetime.strptime(path.stem, "evaluation-%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def recent_logs(patterns: Sequence[str], folder: Path, now: float) -> tuple[Path, ...]:
    """Files of a site's ``logs`` that were written to in the last days, packed ones too."""
    found: set[Path] = set()
    for pattern in patterns:
        name = _CODE.sub("*", pattern)
        found |= {folder / path for path in (*glob(str(folder / name)), *glob(f"{folder / name}.gz"))}  # noqa: PTH207 - absolute
    since = now - RECENT_DAYS * 86_400
    return tuple(sorted(path for path in found if path.is_file() and path.stat().st_mtime >= since))

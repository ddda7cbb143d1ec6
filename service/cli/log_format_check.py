"""What ``init`` says of logs that are there: how many lines the format takes, and what %u seems to hold."""

import re
import secrets
from collections import Counter
from collections.abc import Sequence

import msgspec

from pseudonymiser.geo import GeoProvider
from pseudonymiser.ingest import REASONS, Ingest
from pseudonymiser.keys import ROOT_BYTES, Keys
from pseudonymiser.logformat import ROLES, compile_format
from pseudonymiser.tail import Tail
from pseudonymiser.timestamps import Zone
from service.cli.assembly import ingest_settings
from service.config.settings import Settings
from service.records.events import Rejected

LINES = 200  # read of each log
ENOUGH = 0.9  # share of lines below which a warning is due
# EZproxy's session ids: 15 letters and digits of both cases.
_SESSION = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[A-Za-z0-9]{15}")
_FEWEST_NAMES = 5


class LogFinding(msgspec.Struct, frozen=True):
    """What was seen of one log."""

    name: str
    lines: int
    accepted: int
    reasons: tuple[str, ...]  # of rejection, in words, most frequent first
    sessions: bool  # %u looks like session ids


def try_logs(settings: Settings, geo: GeoProvider) -> list[LogFinding]:
    """Reads the beginning of each log that exists. Raises operators' errors."""
    # Keys for this look alone: nothing of it is kept.
    ingest = Ingest(ingest_settings(settings), Keys(secrets.token_bytes(ROOT_BYTES)), geo)
    blank = ingest.state()
    findings = []
    tail = Tail(settings.logs, settings.audit_logs, {})
    for follower in tail.sources():
        if (batch := follower.read(LINES)) is None:
            continue
        ingest.restore(blank)
        outcomes = ingest.feed(batch.lines, source=batch.source, audit=follower.audit)
        reasons = Counter(outcome.reason for outcome in outcomes if isinstance(outcome, Rejected))
        findings.append(
            LogFinding(
                name=follower.key.partition(":")[2],
                lines=len(outcomes),
                accepted=len(outcomes) - reasons.total(),
                reasons=tuple(f"{count}: {REASONS[reason]}" for reason, count in reasons.most_common(3)),
                sessions=not follower.audit and _holds_sessions(settings, batch.lines),
            )
        )
    tail.close()
    return findings


def report(finding: LogFinding, settings: Settings) -> list[tuple[str, bool]]:
    """Sentences about one log, and whether each is a warning."""
    said = [(f"{finding.name}: {finding.accepted} of the first {finding.lines} lines fit", False)]
    if finding.accepted < ENOUGH * finding.lines:
        said.append(("  That is too few: is --log-format the LogFormat of config.txt?", True))
        said += [(f"  {reason}", True) for reason in finding.reasons]
    if finding.sessions and settings.username == "user":
        said.append(('  %u looks like session ids, not names: set username = "session" in site.toml.', True))
    return said


def _holds_sessions(settings: Settings, lines: Sequence[bytes]) -> bool:
    form = compile_format(settings.log_format, Zone(settings.timezone))
    matches = [form.pattern.match(line.decode("utf-8", "replace")) for line in lines]
    group = form.indexes[ROLES.index("user")]
    names = {name for match in matches if match and (name := match[group]) not in (None, "", "-")}
    return len(names) >= _FEWEST_NAMES and sum(map(bool, map(_SESSION.fullmatch, names))) > len(names) / 2

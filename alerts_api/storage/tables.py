"""The tables. ``migrations/`` makes them; a test holds the two together.

Times are seconds since 1970 UTC: event times are whole, wall clock times are fractional.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
)

DAY = 86_400  # s

metadata = MetaData()

# SQLite keeps a table in order of its key only when the column is plainly INTEGER.
BIG_KEY = BigInteger().with_variant(Integer, "sqlite")
# Ordered by code point in PostgreSQL too, whatever the server's language.
TEXT = Text().with_variant(Text(collation="C"), "postgresql")


class AccountColumns(TypedColumns):
    account = Column(TEXT, primary_key=True)
    state = Column(LargeBinary, nullable=False)


class SharedColumns(TypedColumns):
    name = Column(TEXT, primary_key=True)
    state = Column(LargeBinary, nullable=False)


class PositionColumns(TypedColumns):
    source = Column(TEXT, primary_key=True)
    position = Column(LargeBinary, nullable=False)


class CounterColumns(TypedColumns):
    name = Column(TEXT, primary_key=True)
    value = Column(BigInteger, nullable=False)


class FeedColumns(TypedColumns):
    """One row, ``id`` 1: how far the site has come."""

    id = Column(Integer, primary_key=True)
    last_event_time = Column(BigInteger, nullable=False)
    written_at = Column(Float, nullable=False)


class AlertColumns(TypedColumns):
    """What the queue sorts and filters by, the whole alert as JSON, and the analysts' latest word."""

    # 1, 2, 3 ... in order of arrival: the short id. The store gives it.
    number = Column(BIG_KEY, primary_key=True, autoincrement=False)
    alert_id = Column(TEXT, nullable=False, unique=True)
    account = Column(TEXT, nullable=False)
    opened_at = Column(BigInteger, nullable=False)
    updated_at = Column(BigInteger, nullable=False)
    score = Column(Float, nullable=False)
    probability = Column(Float, nullable=False)
    summary = Column(TEXT, nullable=False)
    events = Column(BigInteger, nullable=False)
    documents = Column(BigInteger, nullable=False)
    payload = Column(LargeBinary, nullable=False)
    verdict = Column(TEXT, nullable=False)  # "" while open
    judged_at = Column(BigInteger, nullable=False)  # the alert's updated_at at that verdict, 0 if none
    day = Column(Integer, nullable=False, server_default="0")  # the site's, on which it opened


class MarkColumns(TypedColumns):
    """What an alert can be found by: its detections, platforms and places."""

    alert_id = Column(TEXT, ForeignKey("alerts.alert_id"), primary_key=True)
    kind = Column(TEXT, primary_key=True)
    name = Column(TEXT, primary_key=True)
    rank = Column(Integer, nullable=False)  # 0 is the strongest


class VerdictColumns(TypedColumns):
    """Append-only. The newest row of an alert counts."""

    id = Column(BIG_KEY, primary_key=True)
    alert_id = Column(TEXT, ForeignKey("alerts.alert_id"), nullable=False)
    verdict = Column(TEXT, nullable=False)
    note = Column(TEXT, nullable=False)
    actor = Column(TEXT, nullable=False)
    created_at = Column(Float, nullable=False)
    quiet_days = Column(
        Integer, nullable=False, server_default="0"
    )  # this and the next: service.records.checkpoints.Judged
    teaches = Column(Integer, nullable=False, server_default="1")


class TraceColumns(TypedColumns):
    sequence = Column(BIG_KEY, primary_key=True, autoincrement=False)
    account = Column(TEXT, nullable=False)
    time = Column(BigInteger, nullable=False)
    evidence = Column(Float, nullable=False)
    event = Column(LargeBinary, nullable=False)


class RejectedColumns(TypedColumns):
    """Index of the newest refused lines. Never their text."""

    id = Column(BIG_KEY, primary_key=True)
    reason = Column(TEXT, nullable=False)
    source = Column(TEXT, nullable=False)
    line = Column(BigInteger, nullable=False)
    length = Column(BigInteger, nullable=False)
    written_at = Column(Float, nullable=False)


class IdentityColumns(TypedColumns):
    """Who a pseudonym is, sealed: nothing in this room can open it."""

    pseudonym = Column(TEXT, primary_key=True)
    ring = Column(TEXT, nullable=False)  # for which key-holders
    sealed = Column(LargeBinary, nullable=False)  # service.records.identities.SealedIdentity, JSON


accounts = Table("accounts", metadata, AccountColumns)
shared = Table("shared", metadata, SharedColumns)
positions = Table("positions", metadata, PositionColumns)
counters = Table("counters", metadata, CounterColumns)
feed = Table("feed", metadata, FeedColumns)
alerts = Table("alerts", metadata, AlertColumns)
marks = Table("alert_marks", metadata, MarkColumns)
verdicts = Table("verdicts", metadata, VerdictColumns)
traces = Table("traces", metadata, TraceColumns)
rejected = Table(
    "rejected", metadata, RejectedColumns, UniqueConstraint("source", "line", "reason", "length")
)
identities = Table("identities", metadata, IdentityColumns)

Index("alerts_by_score", alerts.c.verdict, alerts.c.score)
Index("alerts_by_time", alerts.c.updated_at)
Index("alerts_by_day", alerts.c.day, alerts.c.score)
Index("alerts_by_account", alerts.c.account)
Index("alert_marks_by_name", marks.c.kind, marks.c.name)
Index("verdicts_by_alert", verdicts.c.alert_id)
Index("traces_by_account", traces.c.account, traces.c.time)
Index("traces_by_time", traces.c.time)

"""The first schema: states, positions, alerts, verdicts, traces, quarantine index."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _stream()
    _alerts()
    _evidence()


def _stream() -> None:
    for table, key, value in (
        ("accounts", "account", "state"),
        ("shared", "name", "state"),
        ("positions", "source", "position"),
    ):
        op.create_table(
            table, sa.Column(key, TEXT, primary_key=True), sa.Column(value, sa.LargeBinary, nullable=False)
        )
    op.create_table(
        "counters",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "feed",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("last_event_time", sa.BigInteger, nullable=False),
        sa.Column("written_at", sa.Float, nullable=False),
    )


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("number", BIG_KEY, primary_key=True, autoincrement=False),
        sa.Column("alert_id", TEXT, nullable=False, unique=True),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("probability", sa.Float, nullable=False),
        sa.Column("summary", TEXT, nullable=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.Column("documents", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("judged_at", sa.BigInteger, nullable=False),
    )
    op.create_index("alerts_by_score", "alerts", ["verdict", "score"])
    op.create_index("alerts_by_time", "alerts", ["updated_at"])
    op.create_index("alerts_by_account", "alerts", ["account"])
    op.create_table(
        "alert_marks",
        sa.Column("alert_id", TEXT, sa.ForeignKey("alerts.alert_id"), primary_key=True),
        sa.Column("kind", TEXT, primary_key=True),
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("rank", sa.Integer, nullable=False),
    )
    op.create_index("alert_marks_by_name", "alert_marks", ["kind", "name"])
    op.create_table(
        "verdicts",
        sa.Column("id", BIG_KEY, primary_key=True),
        sa.Column("alert_id", TEXT, sa.ForeignKey("alerts.alert_id"), nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    op.create_index("verdicts_by_alert", "verdicts", ["alert_id"])


def _evidence() -> None:
    op.create_table(
        "traces",
        sa.Column("sequence", BIG_KEY, primary_key=True, autoincrement=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("evidence", sa.Float, nullable=False),
        sa.Column("event", sa.LargeBinary, nullable=False),
    )
    op.create_index("traces_by_account", "traces", ["account", "time"])
    op.create_index("traces_by_time", "traces", ["time"])
    op.create_table(
        "rejected",
        sa.Column("id", BIG_KEY, primary_key=True),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("written_at", sa.Float, nullable=False),
        sa.UniqueConstraint("source", "line", "reason", "length"),
    )

"""Readers' rights, and when each store was last rid of what is too old."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

BIG_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "rights_cases",
        sa.Column("id", BIG_KEY, primary_key=True),
        *(_text(name) for name in ("kind", "reference", "officer", "account")),
        *(_moment(name) for name in ("received_at", "due_at", "acknowledged_at", "closed_at")),
        _text("outcome"),
    )
    op.create_index("rights_cases_by_account", "rights_cases", ["account"])
    op.create_table(
        "restrictions",
        sa.Column("pseudonym", TEXT, primary_key=True),
        _moment("since"),
        _moment("until"),
        _text("reason"),
    )
    op.create_table(
        "erasures",
        sa.Column("pseudonym", TEXT, primary_key=True),
        _text("reference"),
        _moment("asked_at"),
    )
    op.create_table(
        "retention_runs",
        sa.Column("store", TEXT, primary_key=True),
        sa.Column("until", sa.BigInteger, nullable=False),
        _moment("ran_at"),
        sa.Column("removed", sa.BigInteger, nullable=False),
        sa.Column("oldest", sa.BigInteger, nullable=False),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, TEXT, nullable=False)


def _moment(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Float, nullable=False)

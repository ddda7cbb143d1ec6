"""The release gate: requests and how they stand, who saw an alert's evidence, key-holders' training."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "reveal_requests",
        sa.Column("id", TEXT, primary_key=True),
        *_texts("alert", "account", "holder", "reason", "case_ref", "needs"),
        sa.Column("break_glass", sa.Boolean, nullable=False),
        *_times("asked_at", "answered_at"),
        *_texts("answered_by"),
        *_times("granted_at"),
        *_texts("ticket"),
        *_times("ticket_until", "released_at"),
        *_texts("outcome"),
        *_times("outcome_at", "reviewed_at"),
        *_texts("reviewed_by", "review"),
        *_times("escalated_at"),
    )
    op.create_index("reveal_requests_by_holder", "reveal_requests", ["holder", "asked_at"])
    op.create_index("reveal_requests_by_account", "reveal_requests", ["account"])
    op.create_index("reveal_requests_by_alert", "reveal_requests", ["alert"])
    there = sa.text("ticket <> ''")
    op.create_index(
        "reveal_requests_by_ticket",
        "reveal_requests",
        ["ticket"],
        unique=True,
        sqlite_where=there,
        postgresql_where=there,
    )
    op.create_table(
        "alert_views",
        sa.Column("alert", TEXT, primary_key=True),
        sa.Column("subject", TEXT, primary_key=True),
        *_times("at"),
    )
    op.create_table(
        "trainings",
        sa.Column("subject", TEXT, primary_key=True),
        *_times("until"),
        *_texts("recorded_by"),
        *_times("recorded_at"),
    )


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, TEXT, nullable=False) for name in names]


def _times(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Float, nullable=False) for name in names]

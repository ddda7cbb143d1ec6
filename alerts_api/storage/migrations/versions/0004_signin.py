"""Sessions, flows to the identity provider, local users, tokens, names of the staff."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _browsers()
    op.create_table(
        "users",
        sa.Column("name", TEXT, primary_key=True),
        *_texts("roles", "password"),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.BigInteger, nullable=False),
        *_times("failed_at"),
    )
    op.create_table(
        "tokens",
        sa.Column("token", TEXT, primary_key=True),
        *_texts("hash", "label", "roles", "methods"),
        *_times("created_at", "expires_at"),
    )
    op.create_table("people", sa.Column("subject", TEXT, primary_key=True), *_texts("name"))


def _browsers() -> None:
    op.create_table(
        "sessions",
        sa.Column("session", TEXT, primary_key=True),
        *_texts("subject", "name", "roles", "via"),
        *_times("signed_in_at", "confirmed_at", "seen_at"),
    )
    op.create_index("sessions_by_subject", "sessions", ["subject"])
    op.create_table(
        "signin_flows",
        sa.Column("flow", TEXT, primary_key=True),
        *_texts("state", "nonce", "verifier", "session", "back"),
        *_times("started_at"),
    )


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, TEXT, nullable=False) for name in names]


def _times(*names: str) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Float, nullable=False) for name in names]

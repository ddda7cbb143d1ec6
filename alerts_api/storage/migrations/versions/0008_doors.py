"""Known devices, sign-ins that are one person's, urgent requests that were lifted, acts by kind."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "devices",
        sa.Column("device", TEXT, primary_key=True),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("made_at", sa.Float, nullable=False),
    )
    op.create_index("devices_by_subject", "devices", ["subject"])
    op.create_table(
        "persons",
        sa.Column("subject", TEXT, primary_key=True),
        sa.Column("person", TEXT, nullable=False),
    )
    op.create_index("persons_by_person", "persons", ["person"])
    op.add_column("reveal_requests", sa.Column("lifted_at", sa.Float, nullable=False, server_default="0"))
    op.add_column("reveal_requests", sa.Column("lifted_by", TEXT, nullable=False, server_default=""))
    op.create_index("audit_leaves_by_kind", "audit_leaves", ["kind"])

"""Who a pseudonym is, sealed for the key-holders."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "identities",
        sa.Column("pseudonym", TEXT, primary_key=True),
        sa.Column("ring", TEXT, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )

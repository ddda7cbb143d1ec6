"""The site's day on which an alert opened; for how long a verdict asks for quiet, and whether it teaches."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("alerts", sa.Column("day", sa.Integer, nullable=False, server_default="0"))
    op.execute("UPDATE alerts SET day = opened_at / 86400")
    op.create_index("alerts_by_day", "alerts", ["day", "score"])
    op.add_column("verdicts", sa.Column("quiet_days", sa.Integer, nullable=False, server_default="0"))
    op.add_column("verdicts", sa.Column("teaches", sa.Integer, nullable=False, server_default="1"))

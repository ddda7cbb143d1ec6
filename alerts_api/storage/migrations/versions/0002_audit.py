"""The audit log: leaves, tree, checkpoints, and the openings that may be erased."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BIG_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
KEPT = ("audit_leaves", "audit_nodes", "audit_checkpoints")


def upgrade() -> None:
    _tree()
    _beside()
    # Against accidents and hasty hands. Who may drop a trigger is caught by the checkpoints.
    if op.get_bind().dialect.name == "postgresql":
        _kept_by_postgresql()
    else:
        _kept_by_sqlite()


def _tree() -> None:
    op.create_table(
        "audit_leaves",
        sa.Column("number", BIG_KEY, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("kind", "actor", "alert", "request")),
    )
    for name in ("alert", "actor", "request"):
        op.create_index(f"audit_leaves_by_{name}", "audit_leaves", [name])
    op.create_table(
        "audit_nodes",
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", BIG_KEY, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )


def _beside() -> None:
    op.create_table(
        "audit_checkpoints",
        sa.Column("size", BIG_KEY, primary_key=True, autoincrement=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "audit_openings",
        sa.Column("leaf", BIG_KEY, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_index("audit_openings_by_value", "audit_openings", ["name", "value"])


def _kept_by_sqlite() -> None:
    for table in KEPT:
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            )


def _kept_by_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION audit_kept() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
    )
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_kept()"
        )

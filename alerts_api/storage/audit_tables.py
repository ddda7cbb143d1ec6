"""The audit log's tables. The migration's triggers refuse to change or remove rows of the first three."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, TypedColumns

from alerts_api.storage.tables import BIG_KEY, metadata


class LeafColumns(TypedColumns):
    """``data`` is what the tree holds; the columns after it are only for finding."""

    number = Column(BIG_KEY, primary_key=True, autoincrement=False)  # 0, 1, 2 ...
    data = Column(LargeBinary, nullable=False)
    at = Column(BigInteger, nullable=False)
    kind = Column(Text, nullable=False)
    actor = Column(Text, nullable=False)
    alert = Column(Text, nullable=False)
    request = Column(Text, nullable=False)


class NodeColumns(TypedColumns):
    """The complete subtrees, see :mod:`alerts_api.audit.merkle`."""

    level = Column(Integer, primary_key=True, autoincrement=False)
    position = Column(BIG_KEY, primary_key=True, autoincrement=False)
    hash = Column(LargeBinary, nullable=False)


class CheckpointColumns(TypedColumns):
    size = Column(BIG_KEY, primary_key=True, autoincrement=False)
    note = Column(Text, nullable=False)  # signed, as it was sent
    at = Column(BigInteger, nullable=False)  # s UTC


class OpeningColumns(TypedColumns):
    """What may be erased: the texts behind a leaf's commitments."""

    leaf = Column(BIG_KEY, primary_key=True, autoincrement=False)
    name = Column(Text, primary_key=True)  # "account" or "note"
    salt = Column(LargeBinary, nullable=False)
    value = Column(Text, nullable=False)


leaves = Table("audit_leaves", metadata, LeafColumns)
nodes = Table("audit_nodes", metadata, NodeColumns)
checkpoints = Table("audit_checkpoints", metadata, CheckpointColumns)
openings = Table("audit_openings", metadata, OpeningColumns)

Index("audit_leaves_by_kind", leaves.c.kind)
Index("audit_leaves_by_alert", leaves.c.alert)
Index("audit_leaves_by_actor", leaves.c.actor)
Index("audit_leaves_by_request", leaves.c.request)
Index("audit_openings_by_value", openings.c.name, openings.c.value)

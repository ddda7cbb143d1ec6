"""Tables of readers' rights and of retention. Times are seconds since 1970 UTC."""

from sqlalchemy import BigInteger, Column, Float, Index, Table, TypedColumns

from alerts_api.storage.tables import BIG_KEY, TEXT, metadata


class CaseColumns(TypedColumns):
    """One request or complaint of a reader, from its receipt to its end."""

    id = Column(BIG_KEY, primary_key=True)
    kind = Column(TEXT, nullable=False)  # alerts_api.rights.cases.Right
    reference = Column(TEXT, nullable=False)  # of the service desk
    officer = Column(TEXT, nullable=False)  # who answers for it
    account = Column(TEXT, nullable=False)  # pseudonym; "" for a complaint, and once erased
    received_at = Column(Float, nullable=False)
    due_at = Column(Float, nullable=False)
    acknowledged_at = Column(Float, nullable=False)  # 0 not yet
    closed_at = Column(Float, nullable=False)  # 0 open
    outcome = Column(TEXT, nullable=False)  # "" while open


class RestrictionColumns(TypedColumns):
    """Accounts that are left alone: no scoring, no alerts, no reveal without the DPO."""

    pseudonym = Column(TEXT, primary_key=True)
    since = Column(Float, nullable=False)
    until = Column(Float, nullable=False)  # 0: until it is lifted
    reason = Column(TEXT, nullable=False)  # reference of the case


class ErasureColumns(TypedColumns):
    """Accounts that the stream must still forget. The row goes with everything else of them."""

    pseudonym = Column(TEXT, primary_key=True)
    reference = Column(TEXT, nullable=False)
    asked_at = Column(Float, nullable=False)


class RetentionColumns(TypedColumns):
    """When each store was last rid of what is too old."""

    store = Column(TEXT, primary_key=True)
    until = Column(BigInteger, nullable=False)  # event time of the run
    ran_at = Column(Float, nullable=False)  # wall clock
    removed = Column(BigInteger, nullable=False)  # by that run
    oldest = Column(BigInteger, nullable=False)  # of what is left; 0 nothing


cases = Table("rights_cases", metadata, CaseColumns)
restrictions = Table("restrictions", metadata, RestrictionColumns)
erasures = Table("erasures", metadata, ErasureColumns)
retention = Table("retention_runs", metadata, RetentionColumns)

Index("rights_cases_by_account", cases.c.account)

"""Tables of the release gate. What was said and by whom stands in the audit log; here is how things stand."""

from sqlalchemy import Boolean, Column, Float, Index, Table, TypedColumns, text

from alerts_api.storage.tables import TEXT, metadata


class RequestColumns(TypedColumns):
    """:class:`alerts_api.reveal.gate.Request`, and the hash of its ticket."""

    id = Column(TEXT, primary_key=True)
    alert = Column(TEXT, nullable=False)
    account = Column(TEXT, nullable=False)
    holder = Column(TEXT, nullable=False)  # the actor's subject
    reason = Column(TEXT, nullable=False)
    case_ref = Column(TEXT, nullable=False)
    needs = Column(TEXT, nullable=False)
    break_glass = Column(Boolean, nullable=False)
    asked_at = Column(Float, nullable=False)
    answered_at = Column(Float, nullable=False)
    answered_by = Column(TEXT, nullable=False)
    granted_at = Column(Float, nullable=False)
    ticket = Column(TEXT, nullable=False)  # SHA-256 of the ticket in hex; "" while there is none
    ticket_until = Column(Float, nullable=False)
    released_at = Column(Float, nullable=False)
    outcome = Column(TEXT, nullable=False)
    outcome_at = Column(Float, nullable=False)
    reviewed_at = Column(Float, nullable=False)
    reviewed_by = Column(TEXT, nullable=False)
    review = Column(TEXT, nullable=False)
    escalated_at = Column(Float, nullable=False)  # when the DPO was told that it is overdue
    lifted_at = Column(Float, nullable=False, server_default="0")  # when the DPO allowed urgent ones again
    lifted_by = Column(TEXT, nullable=False, server_default="")


class ViewColumns(TypedColumns):
    """Who opened an alert's page, and when first."""

    alert = Column(TEXT, primary_key=True)
    subject = Column(TEXT, primary_key=True)
    at = Column(Float, nullable=False)


class TrainingColumns(TypedColumns):
    """Until when a key-holder's training holds."""

    subject = Column(TEXT, primary_key=True)
    until = Column(Float, nullable=False)
    recorded_by = Column(TEXT, nullable=False)
    recorded_at = Column(Float, nullable=False)


requests = Table("reveal_requests", metadata, RequestColumns)
views = Table("alert_views", metadata, ViewColumns)
trainings = Table("trainings", metadata, TrainingColumns)

Index("reveal_requests_by_holder", requests.c.holder, requests.c.asked_at)
Index("reveal_requests_by_account", requests.c.account)
Index("reveal_requests_by_alert", requests.c.alert)
Index(
    "reveal_requests_by_ticket",
    requests.c.ticket,
    unique=True,
    sqlite_where=text("ticket <> ''"),
    postgresql_where=text("ticket <> ''"),
)

"""The tables of sign-in. Of every secret that somebody else holds they keep the hash only."""

from sqlalchemy import BigInteger, Column, Float, Index, LargeBinary, Table, TypedColumns

from alerts_api.storage.tables import TEXT, metadata


class SessionColumns(TypedColumns):
    """A browser that is signed in."""

    session = Column(TEXT, primary_key=True)  # hex SHA-256 of what its cookie holds
    subject = Column(TEXT, nullable=False)
    name = Column(TEXT, nullable=False)
    roles = Column(TEXT, nullable=False)  # with blanks between
    via = Column(TEXT, nullable=False)
    signed_in_at = Column(Float, nullable=False)
    confirmed_at = Column(Float, nullable=False)
    seen_at = Column(Float, nullable=False)


class FlowColumns(TypedColumns):
    """A browser that was sent to the identity provider and is to come back, once."""

    flow = Column(TEXT, primary_key=True)  # hex SHA-256 of what its cookie holds
    state = Column(TEXT, nullable=False)
    nonce = Column(TEXT, nullable=False)
    verifier = Column(TEXT, nullable=False)  # of PKCE
    session = Column(TEXT, nullable=False)  # the one that is to be confirmed; "" for a new one
    back = Column(TEXT, nullable=False)  # path to go on with
    started_at = Column(Float, nullable=False)


class UserColumns(TypedColumns):
    """A local user, where there is no identity provider or it is away."""

    name = Column(TEXT, primary_key=True)
    roles = Column(TEXT, nullable=False)
    password = Column(TEXT, nullable=False)  # Argon2id, in the notation of its reference implementation
    secret = Column(LargeBinary, nullable=False)  # of the codes; must be known to check them
    step = Column(BigInteger, nullable=False)  # of the last code that was used
    failures = Column(BigInteger, nullable=False)  # codes that were wrong beside the right password, in a row
    failed_at = Column(Float, nullable=False)


class TokenColumns(TypedColumns):
    """A program that may ask the JSON API."""

    token = Column(TEXT, primary_key=True)  # its public part
    hash = Column(TEXT, nullable=False)  # hex SHA-256 of its secret part
    label = Column(TEXT, nullable=False)
    roles = Column(TEXT, nullable=False)
    methods = Column(TEXT, nullable=False)  # with blanks between
    created_at = Column(Float, nullable=False)
    expires_at = Column(Float, nullable=False)


class PersonColumns(TypedColumns):
    """How the pages name somebody of the staff who signed in once."""

    subject = Column(TEXT, primary_key=True)
    name = Column(TEXT, nullable=False)


class DeviceColumns(TypedColumns):
    """A browser by which somebody has signed in before."""

    device = Column(TEXT, primary_key=True)  # hex SHA-256 of what its cookie holds
    subject = Column(TEXT, nullable=False)
    made_at = Column(Float, nullable=False)


class SignInPersonColumns(TypedColumns):
    """A sign-in that is one human with another; who is not here stands for themselves."""

    subject = Column(TEXT, primary_key=True)
    person = Column(TEXT, nullable=False)  # the subject by which this human is compared


sessions = Table("sessions", metadata, SessionColumns)
flows = Table("signin_flows", metadata, FlowColumns)
users = Table("users", metadata, UserColumns)
tokens = Table("tokens", metadata, TokenColumns)
people = Table("people", metadata, PersonColumns)
devices = Table("devices", metadata, DeviceColumns)
persons = Table("persons", metadata, SignInPersonColumns)

Index("sessions_by_subject", sessions.c.subject)
Index("devices_by_subject", devices.c.subject)
Index("persons_by_person", persons.c.person)

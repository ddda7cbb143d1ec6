"""The tables of ``site.toml``: each setting once, with type, range, default, words and an example.

A field is all there is to write for a setting: the file that ``init`` writes, ``docs/settings.md``, the
environment variables, the texts of ``--help`` and the errors are made of it (see
``docs/adr/0020-settings.md``).
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Security = Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]
Mechanism = Literal["SCRAM-SHA-256", "SCRAM-SHA-512"]
Positive = Annotated[int, Meta(ge=1)]
Texts = tuple[str, ...]


def about(words: str, *, example: object = None) -> Meta:
    """Describe a setting, or a table of settings, to those who write ``site.toml``.

    Args:
        words: what it is, and what an empty value or 0 means. The first sentence alone stands in ``--help``.
        example: a value to show where the default shows none.
    """
    return Meta(description=words, examples=None if example is None else [example])


class RetentionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[retention]`` table, in days of event time."""

    events: Annotated[Positive, about("Days for which the events behind an alert are kept.")] = 28
    states: Annotated[
        Positive,
        about(
            "Days for which what is learnt of an account, and its sealed identity, are kept after "
            "the account was last seen. An identity stays as long as an alert of its account is open."
        ),
    ] = 90
    true_alerts: Annotated[
        Positive,
        about(
            "Days for which alerts confirmed as stolen are kept with their verdicts, after their last event."
        ),
    ] = 365
    other_alerts: Annotated[
        Positive,
        about(
            "Days for which alerts that were closed otherwise are kept, after their last event. "
            "Open ones stay."
        ),
    ] = 90
    cases: Annotated[
        Positive,
        about("Days for which readers' requests and complaints are kept after their end."),
    ] = 730
    audit: Annotated[
        Positive,
        about(
            "Days for which pseudonyms and free text are kept in the audit log. Its entries stay, "
            "since others check them, and tell nothing then."
        ),
    ] = 730
    copies: Annotated[
        Positive,
        about(
            "Days for which copies of what is held about a reader, made for that reader, stay in this folder."
        ),
    ] = 30


class RevealSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[reveal]`` table: how often a reader may be named, and who is told."""

    case_pattern: Annotated[
        str,
        about("References of your service desk: a regular expression for the whole of one."),
    ] = "[A-Z]{2,8}-?[0-9]{3,12}"
    per_holder: Annotated[
        Positive,
        about("Names a day for which one key-holder may ask without a second person."),
    ] = 5
    per_site: Annotated[
        Positive,
        about("Names a day for which all key-holders together may ask without a second person."),
    ] = 20
    outgoing: Annotated[
        str,
        about(
            "Folder into which a mail to the data protection officer is put at each release, and "
            "when something is overdue; your mailer sends and empties it. While a mail cannot be put there, "
            "nobody is named. Empty: no mails.",
            example="outgoing",
        ),
    ] = ""
    sender: Annotated[str, about("Sender of these mails.", example="journalguard@example.ac.uk")] = ""
    dpo: Annotated[
        str,
        about(
            "Recipient of these mails: the data protection officer.",
            example="dpo@example.ac.uk",
        ),
    ] = ""


class KafkaSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[kafka]`` table: where the brokers are and how to be let in. The same on every host of a site."""

    servers: Annotated[Texts, about("The brokers, host:port.", example=["127.0.0.1:9092"])]
    prefix: Annotated[str, about("What the names of the site's topics begin with.")] = "library"
    group: Annotated[str, about("Name of the workers' consumer group.")] = "journalguard"
    partitions: Annotated[
        Positive,
        about(
            "Partitions of each topic: the most workers that can share the work. Cannot be changed "
            "while states are kept."
        ),
    ] = 12
    replicas: Annotated[Positive, about("Copies of every topic. 1 where there is only one broker.")] = 3
    security: Annotated[
        Security,
        about(
            "How to connect to the brokers. Those with ssl encrypt, those with sasl log in with a user.",
            example="sasl_ssl",
        ),
    ] = "plaintext"
    ca_file: Annotated[
        str,
        about(
            "With ssl: the authority (PEM) that signed the brokers' certificates. Empty: those "
            "that the system trusts.",
            example="/etc/ssl/kafka-ca.pem",
        ),
    ] = ""
    certificate_file: Annotated[
        str,
        about(
            "With ssl: this client's own certificate (PEM), where the brokers ask for one.",
            example="/etc/journalguard/kafka.pem",
        ),
    ] = ""
    key_file: Annotated[
        str,
        about("The private key of that certificate.", example="/etc/journalguard/kafka.key"),
    ] = ""
    mechanism: Annotated[Mechanism, about("With sasl: mechanism by which the user logs in.")] = (
        "SCRAM-SHA-512"
    )
    user: Annotated[str, about("With sasl: the user.", example="journalguard")] = ""
    password_file: Annotated[
        str,
        about(
            "With sasl: a file with the user's password in its first line.",
            example="kafka-password",
        ),
    ] = ""


class RoleGroups(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[signin.roles]`` table: which groups of the identity provider have which role."""

    analyst: Annotated[Texts, about("Groups that read and judge alerts.", example=["library-security"])] = ()
    key_holder: Annotated[
        Texts,
        about(
            "Groups that read alerts and name readers, where that is set up.",
            example=["library-key-holders"],
        ),
    ] = ()
    approver: Annotated[
        Texts,
        about(
            "Groups that read alerts and act as the second person.",
            example=["library-management"],
        ),
    ] = ()
    statistician: Annotated[
        Texts,
        about("Groups that see the service's state, not alerts.", example=["statistics"]),
    ] = ()
    auditor: Annotated[Texts, about("Groups that read the audit log.", example=["internal-audit"])] = ()
    dpo: Annotated[Texts, about("Groups that read everything.", example=["data-protection"])] = ()
    admin: Annotated[
        Texts,
        about(
            "Groups that see the service's state, not alerts. Nobody is admin and key_holder at once.",
            example=["systems"],
        ),
    ] = ()


class SignInSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[signin]`` table: the identity provider that knows the staff, by OpenID Connect."""

    issuer: Annotated[str, about("The provider's issuer URL.", example="https://login.example.ac.uk")]
    client_id: Annotated[
        str, about("Client ID under which the provider knows this service.", example="journalguard")
    ]
    address: Annotated[
        str,
        about(
            "How browsers reach the pages, best over https. Tell the provider to send them back to "
            "this address with /signin/callback behind it, and with /signin after sign-out.",
            example="https://alerts.example.ac.uk",
        ),
    ]
    client_secret_file: Annotated[
        str,
        about(
            "A file that only journalguard can read, with the client's secret in its first line. "
            "Empty: a client without one.",
            example="client-secret",
        ),
    ] = ""
    ca_file: Annotated[
        str,
        about(
            "The authority (PEM) that signed the provider's certificate. Empty: those that the "
            "system trusts.",
            example="/etc/ssl/campus-ca.pem",
        ),
    ] = ""
    scope: Annotated[str, about("What the provider is asked for.")] = "openid profile"
    groups_claim: Annotated[
        str, about('The claim that has a person\'s groups ("realm_access.roles" in Keycloak).')
    ] = "groups"
    acr: Annotated[
        Texts,
        about(
            "Classes (acr), one of which the provider has to state where a fresh proof is needed. "
            "Empty: any.",
            example=["https://login.example.ac.uk/mfa"],
        ),
    ] = ()
    amr: Annotated[
        Texts,
        about(
            'Methods (amr), one of which the provider has to state there ("mfa", "otp", "hwk"). Empty: any.',
            example=["mfa"],
        ),
    ] = ()
    roles: Annotated[RoleGroups, about("Which of the provider's groups have which role.")] = RoleGroups()

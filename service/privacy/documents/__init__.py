"""Documents of data protection, filled from a site's settings as they are: templates for the DPO to judge.

What only people know stands in them in square brackets. Nothing here is legal advice.
"""

from collections.abc import Mapping
from functools import cache

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from service.config.settings import Settings

DOCUMENTS: Mapping[str, str] = {
    "privacy-notice": "Privacy notice",
    "dpia": "Data protection impact assessment",
    "record-of-processing": "Record of processing activities (Art. 30)",
    "legitimate-interest": "Legitimate-interest assessment",
    "pseudonymisation": "Decision on pseudonymisation",
}


class SiteFacts(msgspec.Struct, frozen=True):
    """What the documents are filled from."""

    settings: Settings
    made_on: str  # a date, ISO 8601
    version: str  # of journalguard
    epoch: str  # of the keys
    holders: int  # who can open an identity; 0: nobody
    holders_needed: int  # 1 or 2
    audit_signed: bool  # whether there is a key that signs the audit log
    roles: tuple[str, ...]
    fields: tuple[str, ...]  # of an event

    @property
    def distributed(self) -> bool:
        return self.settings.kafka is not None


def render(name: str, facts: SiteFacts) -> str:
    """One of ``DOCUMENTS`` as HTML."""
    template = _environment().get_template(f"{name}.html")
    return template.render(facts=facts, keep=facts.settings.retention, title=DOCUMENTS[name])


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("service.privacy.documents"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

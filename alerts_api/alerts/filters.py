"""The queue's filters: one frozen record, read from the URL by pages and JSON API alike."""

from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

from alerts_api.storage.tables import DAY

Status = Literal["open", "closed", "all"]
Severity = Literal["", "low", "medium", "high"]
Outcome = Literal["", "confirmed", "expected", "wrong-logic", "wrong-data", "undetermined"]
Period = Literal["24h", "7d", "30d", "all"]
Ceiling = Literal["hide", "show", "only"]
Sort = Literal["score", "newest", "oldest"]
Name = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]  # PostgreSQL takes no NUL

SPANS: dict[str, int] = {"24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}


class Filters(BaseModel):
    """Which alerts, in which order, and which page of them."""

    model_config = ConfigDict(frozen=True)

    status: Status = Field("open", description="open: no verdict yet, or reopened")
    period: Period = Field(
        "7d", description="alerts that changed within this time before the newest scored line"
    )
    severity: Severity = Field("", description="of the alert's strongest detection; empty: any")
    detection: Name = Field("", description="id of a detection; empty: any")
    verdict: Outcome = Field("", description="the latest verdict; empty: any. Asks for closed alerts")
    platform: Name = Field("", description="a platform the account used; empty: any")
    place: Name = Field("", description="a country or city the account was in; empty: any")
    account: Name = Field("", description="pseudonym of the account; empty: any")
    overflow: Ceiling = Field(
        "hide",
        description="open alerts beyond their day's ceiling: left out unless an account or verdict is asked "
        "for; shown among the others; or they alone",
    )
    sort: Sort = Field("score", description="score: highest first; newest, oldest: by last change")
    after: int = Field(0, ge=0, le=2**53, description="only alerts with a number above this one")
    page: int = Field(1, ge=1, le=100_000, description="from 1")
    size: int = Field(50, ge=1, le=200, description="alerts on a page")

    def query(self, **changes: object) -> str:
        """As a query string, with ``changes``; what is at its default is left out."""
        changed = type(self).model_validate({**self.model_dump(), **changes})
        return urlencode(changed.model_dump(exclude_defaults=True))

    @property
    def narrowed(self) -> bool:
        """Whether anything beyond status, period, order and page is asked for."""
        return any((self.severity, self.detection, self.verdict, self.platform, self.place, self.account))

"""Requests, answers, tickets, time, restrictions, crashes, restarts in any order: the gate's promises hold.

The model knows nothing of the gate's rules. It keeps what came out of the desk and compares that with the
audit log and the five promises: no blob without its leaf, no ticket twice, nobody approves himself, no budget
is passed without a second person, a crash never releases.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection

from alerts_api.alerts.restrictions import lift, restrict
from alerts_api.audit.leaves import ActKind, Record
from alerts_api.reveal.gate import RevealRefusal, SecondPerson
from alerts_api.reveal.release_service import Released
from alerts_api.signin.actors import Actor, Role
from alerts_api.storage.backend import DatabaseLocation
from service.config.tables import RevealSettings
from tests.alerts_api.reveal.reveal_site import (
    APPROVER,
    DAY,
    DPO,
    HOLDER,
    OTHER_HOLDER,
    RevealSite,
    actor,
    train,
)
from tests.services.postgres import Postgres

PER_HOLDER, PER_SITE = 2, 3
BOTH = actor("both-1", Role.KEY_HOLDER, Role.APPROVER)
ALERTS = 6
ASKED = {ActKind.REVEAL_REQUESTED, ActKind.BREAK_GLASS}
SECOND = {ActKind.REVEAL_APPROVED, ActKind.REVEAL_DENIED, ActKind.BREAK_GLASS_REVIEWED}
PEOPLE = (HOLDER, OTHER_HOLDER, BOTH, APPROVER, DPO)


class CrashError(Exception):
    """The process is killed here."""


class Blob(NamedTuple):
    """A sealed identity that left the house."""

    request: str
    holder: str
    at: float


class CrashingSite(RevealSite):
    """Dies in its next transaction, before or after the commit, when told to."""

    crash = ""

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        crash, self.crash = self.crash, ""
        with self.database.writing() as connection:
            yield connection
            if crash == "before":
                raise CrashError
        if crash == "after":
            raise CrashError


class Gate(RuleBasedStateMachine):
    """Over a new database for each run."""

    filled = False
    requests = Bundle("requests")
    tickets = Bundle("tickets")

    @initialize()
    def begin(self) -> None:
        self.folder = TemporaryDirectory()
        settings = RevealSettings(per_holder=PER_HOLDER, per_site=PER_SITE)
        self.site = CrashingSite(self.new_place(), ALERTS, settings, filled=self.filled)
        with self.site.writing() as connection:
            train(connection, BOTH.subject, self.site.now + 365 * DAY)
        self.blobs: list[Blob] = []
        self.used: Counter[str] = Counter()
        self.crashed_in: list[str] = []

    def new_place(self) -> DatabaseLocation:
        return Path(self.folder.name) / "journalguard.db"

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.site.close()
            self.folder.cleanup()

    @rule(
        target=requests,
        holder=st.sampled_from((HOLDER, OTHER_HOLDER, BOTH)),
        alert=st.integers(0, ALERTS - 1),
        urgent=st.booleans(),
    )
    def asks(self, holder: Actor, alert: int, urgent: bool) -> object:
        ask = self.site.ask(self.site.alerts[alert], holder, urgent=urgent)
        with self.survived():
            step = self.site.release_service.ask(ask)
            if step.request is not None:
                return step.request.id
        return multiple()

    @rule(request=requests, who=st.sampled_from(PEOPLE), approve=st.booleans())
    def is_answered(self, request: str, who: Actor, approve: bool) -> None:
        with self.survived():
            self.site.release_service.answer(self.site.fresh(who), request, approve=approve, note="")

    @rule(request=requests, who=st.sampled_from(PEOPLE), uphold=st.booleans())
    def is_reviewed(self, request: str, who: Actor, uphold: bool) -> None:
        with self.survived():
            self.site.release_service.review(self.site.fresh(who), request, uphold=uphold, note="")

    @rule(target=tickets, request=requests, who=st.sampled_from(PEOPLE))
    def is_taken(self, request: str, who: Actor) -> object:
        with self.survived():
            taken = self.site.release_service.take(self.site.fresh(who), request)
            if taken.refusal is None:
                return taken.ticket
        return multiple()

    @rule(ticket=tickets, who=st.sampled_from(PEOPLE))
    def is_redeemed(self, ticket: str, who: Actor) -> None:
        with self.survived():
            self.count(self.site.release_service.redeem(self.site.fresh(who), ticket), ticket, who)

    @rule(holder=st.sampled_from((HOLDER, OTHER_HOLDER, BOTH)), alert=st.integers(0, ALERTS - 1))
    def is_named_at_once(self, holder: Actor, alert: int) -> None:
        """The whole way, so that budgets are reached."""
        with self.survived():
            step = self.site.release_service.ask(self.site.ask(self.site.alerts[alert], holder))
            if step.request is not None and step.request.needs is SecondPerson.NOBODY:
                ticket = self.site.release_service.take(self.site.fresh(holder), step.request.id).ticket
                self.count(self.site.release_service.redeem(self.site.fresh(holder), ticket), ticket, holder)

    @rule(ticket=st.text(max_size=50), who=st.sampled_from(PEOPLE))
    def guesses(self, ticket: str, who: Actor) -> None:
        with self.survived():
            assert (
                self.site.release_service.redeem(self.site.fresh(who), ticket).refusal
                is RevealRefusal.NO_TICKET
            )

    @rule(request=requests, who=st.sampled_from(PEOPLE))
    def files(self, request: str, who: Actor) -> None:
        with self.survived():
            self.site.release_service.file(self.site.fresh(who), request, "account_secured", "")

    @rule(passed=st.sampled_from((60.0, 600.0, 1_000.0, 7_200.0, DAY - 60, DAY + 60, 4 * DAY)))
    def time_passes(self, passed: float) -> None:
        self.site.now += passed

    @rule(alert=st.integers(0, ALERTS - 1), on=st.booleans())
    def reader_is_restricted(self, alert: int, on: bool) -> None:
        account = self.site.alerts[alert].account
        with self.site.database.writing() as connection:
            if on:
                restrict(connection, [account], "CASE-1", self.site.now)
            else:
                lift(connection, [account])

    @rule(when=st.sampled_from(("before", "after")))
    def next_step_crashes(self, when: str) -> None:
        self.site.crash = when

    @rule()
    def restarts(self) -> None:
        self.site.close()
        self.site.open()

    @contextmanager
    def survived(self) -> Iterator[None]:
        """What the caller of a step that dies gets is nothing; then the process is started again."""
        before = len(self.blobs)
        try:
            yield
        except CrashError:
            assert len(self.blobs) == before, "a crash never releases"
            self.restarts()

    def count(self, released: Released, ticket: str, who: Actor) -> None:
        if released.refusal is None:
            assert released.request is not None
            assert released.sealed
            self.used[ticket] += 1
            self.blobs.append(Blob(released.request.id, who.subject, self.site.now))

    @invariant()
    def the_promises_hold(self) -> None:
        if hasattr(self, "world"):
            leaves = self.site.leaves()
            self.no_blob_left_without_its_leaf(leaves)
            self.nobody_approves_himself(leaves)
            self.no_budget_is_passed_without_a_second_person(leaves)
            self.a_broken_glass_is_looked_at_before_the_next(leaves)
            assert max(self.used.values(), default=0) <= 1, "no ticket works twice"

    def no_blob_left_without_its_leaf(self, leaves: list[Record]) -> None:
        written = Counter(leaf.request for leaf in leaves if leaf.kind is ActKind.REVEAL_RELEASED)
        assert Counter(blob.request for blob in self.blobs) <= written
        assert max(written.values(), default=0) <= 1, "a second reveal is a new entry"
        assert written <= Counter(each.request for each in self.site.reported), "the DPO knows of each"

    def nobody_approves_himself(self, leaves: list[Record]) -> None:
        asked = {leaf.request: leaf.actor for leaf in leaves if leaf.kind in ASKED}
        assert not [leaf for leaf in leaves if leaf.kind in SECOND and leaf.actor == asked[leaf.request]]

    def no_budget_is_passed_without_a_second_person(self, leaves: list[Record]) -> None:
        helped = {
            leaf.request for leaf in leaves if leaf.kind in {ActKind.REVEAL_APPROVED, ActKind.BREAK_GLASS}
        }
        alone = [blob for blob in self.blobs if blob.request not in helped]
        for last in alone:
            day = [blob for blob in alone if last.at - DAY < blob.at <= last.at]
            assert len(day) <= PER_SITE
            assert max(Counter(blob.holder for blob in day).values()) <= PER_HOLDER

    def a_broken_glass_is_looked_at_before_the_next(self, leaves: list[Record]) -> None:
        waiting: dict[str, str] = {}  # request -> holder
        for leaf in leaves:
            if leaf.kind is ActKind.BREAK_GLASS:
                assert leaf.actor not in waiting.values()
                waiting[leaf.request] = leaf.actor
            elif leaf.kind is ActKind.BREAK_GLASS_REVIEWED:
                waiting.pop(leaf.request)


@pytest.mark.slow
def test_on_sqlite(file: Path) -> None:
    RevealSite(file, ALERTS).close()

    class OverCopies(Gate):
        filled = True

        def new_place(self) -> DatabaseLocation:
            return shutil.copy(file, super().new_place())

    run_state_machine_as_test(
        OverCopies,
        settings=settings(
            max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.slow
@pytest.mark.postgres
def test_on_postgresql(postgres_server: Postgres) -> None:
    class OverPostgres(Gate):
        def new_place(self) -> DatabaseLocation:
            self.database = postgres_server.database()
            return self.database.__enter__()

        def teardown(self) -> None:
            super().teardown()
            if hasattr(self, "database"):
                self.database.__exit__(None, None, None)

    run_state_machine_as_test(
        OverPostgres,
        settings=settings(
            max_examples=6, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )

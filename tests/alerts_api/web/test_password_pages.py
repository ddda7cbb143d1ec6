"""Sign-in by password and code, and what is refused of it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from fastapi import FastAPI
from fastapi.testclient import TestClient

from alerts_api.audit.leaves import ActKind
from alerts_api.signin import credentials, devices, sessions, users
from alerts_api.signin.actors import Role
from alerts_api.signin.attempts import FREE_FAILURES, wait_after
from alerts_api.signin.errors import UserError
from alerts_api.storage.backend import DatabaseLocation
from alerts_api.storage.database import open_database
from alerts_api.web import password_pages
from alerts_api.web.app import create_app
from tests.alerts_api.examples import fill
from tests.alerts_api.visitors import AT, acts, browser

NAME, PASSWORD, SECRET = "jane.doe", "four random words here", b"\x07" * 20


class Clock:
    """The wall clock of a site."""

    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> float:
        return self.now


def code(at: float, secret: bytes = SECRET) -> str:
    """What the app shows at this moment."""
    totp = TOTP(secret, 6, SHA1(), 30)  # noqa: S303 - HMAC, as apps do
    return totp.generate(int(at)).decode()


@pytest.fixture(scope="module")
def sealed() -> str:
    return credentials.hash_password(PASSWORD)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(database: DatabaseLocation, sealed: str, clock: Clock) -> FastAPI:
    """A site with one user, who is analyst and key-holder."""
    fill(database, 2)
    with closing(open_database(database, create=True)) as opened, opened.writing() as connection:
        users.add(connection, NAME, [Role.ANALYST, Role.KEY_HOLDER], sealed, SECRET)
    return create_app(database, clock=clock)


@pytest.fixture
def visitor(app: FastAPI) -> TestClient:
    return browser(app)


@contextmanager
def app_running(app: FastAPI) -> Iterator[None]:
    """From its start to its end, at which what was counted is written down."""
    with browser(app):
        yield


def attempt(
    client: TestClient, *, at: float = AT, name: str = NAME, password: str = PASSWORD, **form: str
) -> int:
    sent = {"name": name, "password": password, "code": code(at), **form}
    return int(client.post("/signin/local", data=sent).status_code)


def test_from_the_first_user_on_everybody_signs_in(visitor: TestClient) -> None:
    answer = visitor.get("/alerts/JG-1?events=2")
    assert answer.headers["location"] == "/signin?next=%2Falerts%2FJG-1%3Fevents%3D2"
    assert visitor.get("/api/v1/alerts").status_code == 401
    assert "Code of your authenticator app" in visitor.get("/signin").text


def test_name_password_and_code_let_in(visitor: TestClient, database: DatabaseLocation) -> None:
    answer = visitor.post(
        "/signin/local",
        data={"name": NAME, "password": PASSWORD, "code": code(AT), "onward": "/log"},
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/log")
    page = visitor.get("/").text
    assert NAME in page
    assert "analyst, key holder" in page
    assert [(record.kind, record.actor) for record in acts(database)] == [
        (ActKind.SIGNED_IN, f"local:{NAME}")
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "john.doe"},
        {"password": "another password"},
        {"code": "000000"},
        {"code": "x"},
        {"code": "٣٣٣٣٣٣"},
    ],
)
def test_whatever_is_wrong_the_answer_is_the_same(
    visitor: TestClient, database: DatabaseLocation, wrong: dict[str, str]
) -> None:
    sent = {"name": NAME, "password": PASSWORD, "code": code(AT)} | wrong
    answer = visitor.post("/signin/local", data=sent)
    assert answer.status_code == 401
    assert password_pages.REFUSED in answer.text
    assert not visitor.cookies
    (record,) = acts(database)
    assert record.kind is ActKind.SIGN_IN_FAILED
    assert record.actor == ("nobody" if "name" in wrong else f"local:{NAME}")


def test_a_code_works_once(app: FastAPI, clock: Clock) -> None:
    assert attempt(browser(app)) == 303
    assert attempt(browser(app)) == 401
    clock.now += 30
    assert attempt(browser(app), at=clock.now - 30) == 401  # older than the newest used one
    assert attempt(browser(app), at=clock.now) == 303


def test_guessing_is_slowed_down_where_it_comes_from(app: FastAPI, clock: Clock) -> None:
    for _ in range(FREE_FAILURES + 1):
        assert attempt(browser(app), password="a guess of somebody") == 401
        clock.now += 1
    assert attempt(browser(app), at=clock.now) == 401  # right, but too soon
    clock.now += wait_after(FREE_FAILURES + 1)
    assert attempt(browser(app), at=clock.now) == 303


def guessed(app: FastAPI, clock: Clock, place: str, *, password: str, times: int = 40) -> None:
    """Somebody goes on guessing for hours, as fast as anything is taken."""
    client = browser(app, at=place)
    for _ in range(times):
        attempt(client, at=clock.now, password=password)
        clock.now += 60.0


@pytest.mark.parametrize("place", ["198.51.100.7", "2001:db8:1::7", "192.0.2.8", ""])
def test_strangers_elsewhere_keep_nobody_out(app: FastAPI, clock: Clock, place: str) -> None:
    guessed(app, clock, place, password="a guess of somebody")
    assert attempt(browser(app, at="192.0.2.7"), at=clock.now) == 303


def test_a_known_device_comes_in_also_from_where_strangers_guess(app: FastAPI, clock: Clock) -> None:
    """As all do behind a proxy that does not say whom it serves."""
    known = browser(app)
    assert attempt(known, at=clock.now) == 303
    device = next(cookie for cookie in known.cookies.jar if cookie.name == devices.COOKIE)
    assert device.expires is not None
    known.cookies.delete("journalguard")
    stranger = browser(app)
    for _ in range(30):
        attempt(stranger, at=clock.now, password="a guess of somebody")
    clock.now += 30
    assert attempt(known, at=clock.now) == 303


def test_a_known_device_s_own_mistakes_are_slowed_down(app: FastAPI, clock: Clock) -> None:
    known = browser(app)
    assert attempt(known, at=clock.now) == 303
    known.cookies.delete("journalguard")
    clock.now += 30
    for _ in range(FREE_FAILURES + 1):
        assert attempt(known, at=clock.now, password="a guess of somebody") == 401
    assert attempt(known, at=clock.now) == 401


def test_another_user_s_device_is_no_known_one(
    app: FastAPI, clock: Clock, database: DatabaseLocation
) -> None:
    with closing(open_database(database, create=True)) as opened, opened.writing() as connection:
        number = devices.make_known(connection, "local:john.doe", clock.now)
    client = browser(app)
    client.cookies.set(devices.COOKIE, number)
    for _ in range(FREE_FAILURES + 1):
        attempt(client, at=clock.now, password="a guess of somebody")
    assert attempt(browser(app), at=clock.now) == 401  # it waited as everybody does


def test_strangers_keep_nobody_from_confirming(app: FastAPI, clock: Clock) -> None:
    mine = browser(app)
    assert attempt(mine, at=clock.now) == 303
    stranger = browser(app)
    for _ in range(30):
        attempt(stranger, at=clock.now, password="a guess of somebody")
    clock.now += 30
    mine.cookies.delete(devices.COOKIE)  # the session alone is enough
    sent = {
        "password": PASSWORD,
        "code": code(clock.now),
        "csrf": sessions.csrf_of(mine.cookies["journalguard"]),
    }
    assert mine.post("/signin/confirm", data=sent).status_code == 303


def test_who_knows_the_password_waits_with_codes_wherever_it_comes_from(
    app: FastAPI, clock: Clock, database: DatabaseLocation
) -> None:
    known = browser(app, at="192.0.2.1")
    assert attempt(known, at=clock.now) == 303
    known.cookies.delete("__Host-journalguard")
    for n in range(FREE_FAILURES + 1):
        assert attempt(browser(app, at=f"198.51.100.{n}"), at=clock.now, code="000000") == 401
    clock.now += 1
    assert attempt(browser(app, at="203.0.113.1"), at=clock.now + 30) == 401
    clock.now += 30
    assert attempt(known, at=clock.now) == 303
    with closing(open_database(database, create=True)) as opened, opened.reading() as connection:
        assert users.listed(connection)[0].failures == 0


def test_wrong_codes_beside_the_right_password_are_told_to_the_operator(
    app: FastAPI, database: DatabaseLocation
) -> None:
    attempt(browser(app), code="000000")
    attempt(browser(app), code="000000", password="a guess of somebody")
    with closing(open_database(database, create=True)) as opened, opened.reading() as connection:
        assert users.listed(connection)[0].failures == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "john.doe"},
        {"name": "j" * 200},
        {"password": "a guess of somebody"},
        {"password": "x" * 290},
        {"code": "000000"},
    ],
)
def test_whatever_is_wrong_and_while_it_waits_a_password_is_hashed_once(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]
) -> None:
    """So that time tells nothing; counted, since wall time is never asserted."""
    hashed: list[int] = []

    class Counting:
        @staticmethod
        def verify_phc_encoded(password: bytes, sealed: str) -> None:
            hashed.append(len(password))
            Argon2id.verify_phc_encoded(password, sealed)

    monkeypatch.setattr(credentials, "Argon2id", Counting)
    client = browser(app)
    for n in range(1, 10):
        client.post("/signin/local", data={"name": NAME, "password": PASSWORD, "code": code(AT)} | wrong)
        assert len(hashed) == n


def test_an_address_gets_ten_attempts_a_minute_and_one_leaf(app: FastAPI, database: DatabaseLocation) -> None:
    with app_running(app):
        statuses = [attempt(browser(app), name=f"name{n}") for n in range(12)]
    assert set(statuses) == {401}
    assert [(act.kind, act.actor, act.times) for act in acts(database)] == [
        (ActKind.SIGN_IN_FAILED, "nobody", 0),
        (ActKind.SIGN_IN_FAILED, "nobody", 9),
    ]


def test_a_new_session_at_every_sign_in(app: FastAPI) -> None:
    """Fixation: a number that somebody planted is worth nothing before and after."""
    planted = browser(app, "planted-number")
    assert planted.get("/").status_code == 303
    assert attempt(planted) == 303
    numbers = [cookie.value for cookie in planted.cookies.jar]
    assert "planted-number" not in numbers[-1:]
    assert browser(app, "planted-number").get("/").status_code == 303


def test_sign_out_ends_the_session_on_the_server(
    app: FastAPI, visitor: TestClient, database: DatabaseLocation
) -> None:
    attempt(visitor)
    stolen = visitor.cookies["journalguard"]
    assert visitor.post("/signout", data={"csrf": "x"}).status_code == 403
    answer = visitor.post("/signout", data={"csrf": sessions.csrf_of(stolen)})
    assert answer.headers["location"] == "/signin"
    assert "cache" in answer.headers["clear-site-data"]
    assert browser(app, stolen).get("/").status_code == 303
    assert acts(database)[-1].kind is ActKind.SIGNED_OUT


@pytest.mark.parametrize("pause", [sessions.IDLE_SECONDS, sessions.LONGEST_SECONDS])
def test_a_session_ends_by_itself(visitor: TestClient, clock: Clock, pause: float) -> None:
    attempt(visitor)
    until = clock.now + pause - 1
    while clock.now + sessions.IDLE_SECONDS < until:
        clock.now += sessions.IDLE_SECONDS - 1
        assert visitor.get("/").status_code == 200
    clock.now = until
    assert (
        visitor.get("/", headers={"sec-fetch-mode": "cors"}).status_code == 200
    )  # a page's own look for news
    clock.now += 1
    assert visitor.get("/").status_code == 303


def test_confirming_gives_a_new_session_with_the_old_time_of_sign_in(
    app: FastAPI, visitor: TestClient, clock: Clock, database: DatabaseLocation
) -> None:
    attempt(visitor)
    before = visitor.cookies["journalguard"]
    clock.now += 60
    sent = {"password": PASSWORD, "code": code(clock.now), "onward": "/help"}
    wrong = visitor.post("/signin/confirm", data=sent | {"csrf": sessions.csrf_of(before), "code": "123456"})
    assert wrong.status_code == 422
    answer = visitor.post("/signin/confirm", data=sent | {"csrf": sessions.csrf_of(before)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/help")
    assert browser(app, before).get("/").status_code == 303
    with closing(open_database(database, create=False)) as opened, opened.reading() as connection:
        found = sessions.find(connection, visitor.cookies["journalguard"], clock.now)
    assert found is not None
    assert (found[0].signed_in_at, found[0].confirmed_at) == (AT, clock.now)
    assert acts(database)[-1].kind is ActKind.STEPPED_UP


@pytest.mark.parametrize("other", [Role.ADMIN, Role.APPROVER, Role.DPO])
def test_nobody_decides_on_their_own_requests(other: Role) -> None:
    with pytest.raises(UserError, match="at once"):
        users.check_roles([Role.ANALYST, other, Role.KEY_HOLDER])
    users.check_roles([Role.ANALYST, other])


@pytest.mark.parametrize("password", ["short", "jane.doe jane.doe", "aaaaaaaaaaaaaaaa", "x" * 300])
def test_weak_passwords_are_refused(password: str) -> None:
    assert credentials.password_problem(password, NAME)


def test_an_enrolment_is_what_apps_read() -> None:
    text = credentials.enrolment(SECRET, NAME)
    assert text.startswith("otpauth://totp/journalguard:jane.doe?")
    assert "secret=A4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYH" in text

"""Example alerts as a site would have them: invented readers, thefts and confounders, the same for a seed."""

import random
from collections.abc import Sequence

from alerts_api.storage import backend
from alerts_api.stream.store import open_store
from service.records.checkpoints import Changes, Checkpoint, Trace
from service.records.events import (
    AccessEvent,
    Alert,
    EventKind,
    Location,
    NetworkKind,
    Picture,
    Reason,
    Rejected,
    Resource,
    SeenEntity,
)

NOW = 1_795_500_000  # Tue 24 Nov 2026 04:40 UTC
HOUR, DAY = 3_600, 86_400
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"

CAMPUS = Location("GB", "Leeds", 53.80, -1.55, "Example University", NetworkKind.CAMPUS)
HOME = Location("GB", "York", 53.96, -1.08, "Example Broadband", NetworkKind.ISP)
HOSTING = Location("NL", "Amsterdam", 52.37, 4.90, "Example Cloud Hosting", NetworkKind.HOSTING)
ABROAD = Location("VN", "Hanoi", 21.03, 105.85, "Example Telecom", NetworkKind.ISP)
MOBILE = Location("GB", "", 53.80, -1.50, "Example Mobile", NetworkKind.MOBILE)

# strongest detection, others, (measure, text, observed, usual, peers, unit, surprise)..., score
STORIES: tuple[
    tuple[str, tuple[str, ...], tuple[tuple[str, str, float, float | None, float, str, float], ...], float],
    ...,
] = (
    (
        "bulk-download",
        ("unfamiliar-network-and-platform", "hosting-network"),
        (
            (
                "docs_1h",
                "212 documents in one hour; this account's usual most is 4; 1 in 48,000 account-days does",
                212,
                4,
                48_000,
                "documents",
                14.1,
            ),
            (
                "docs_joint_1d",
                "187 documents in a day from a network and a platform that are both unfamiliar",
                187,
                0,
                210_000,
                "documents",
                13.2,
            ),
            (
                "docs_hosting_1d",
                "212 documents in a day to hosting or VPN networks it does not use",
                212,
                0,
                31_000,
                "documents",
                10.3,
            ),
            (
                "requests_1h",
                "840 requests in one hour; this account's usual most is 61",
                840,
                61,
                9_100,
                "requests",
                9.1,
            ),
        ),
        14.1,
    ),
    (
        "impossible-travel",
        ("many-networks",),
        (
            ("speed", "a journey to an unfamiliar city at 9,180 km/h", 9_180, 0, 22_000, "km/h", 10.0),
            (
                "countries_1d",
                "5 countries in a day; this account's usual most is 1",
                5,
                1,
                14_000,
                "countries",
                9.6,
            ),
            (
                "networks_1d",
                "11 networks in a day; this account's usual most is 2",
                11,
                2,
                6_300,
                "networks",
                8.7,
            ),
        ),
        11.2,
    ),
    (
        "journal-sweep",
        ("machine-rhythm", "bulk-download"),
        (
            ("sweep", "148 documents of one journal in order", 148, 1, 55_000, "documents", 10.9),
            (
                "regular",
                "about 96 documents an hour at evenly spaced moments",
                96,
                None,
                40_000,
                "documents",
                10.6,
            ),
            (
                "docs_1d",
                "402 documents in a day; this account's usual most is 9",
                402,
                9,
                12_000,
                "documents",
                9.4,
            ),
        ),
        12.6,
    ),
    (
        "awakened-account",
        ("unfamiliar-network",),
        (
            (
                "docs_after_sleep",
                "38 documents right after a silence of weeks",
                38,
                None,
                4_100,
                "documents",
                8.3,
            ),
            (
                "docs_new_network_1d",
                "38 documents in a day from networks it does not use",
                38,
                2,
                1_900,
                "documents",
                7.5,
            ),
        ),
        8.4,
    ),
    (
        "sustained-download",
        (),
        (
            (
                "docs_7d",
                "311 documents in a week; this account's usual most is 120",
                311,
                120,
                900,
                "documents",
                6.8,
            ),
            ("mb_1d", "410 MB in a day; this account's usual most is 260", 410, 260, 240, "MB", 5.5),
        ),
        6.9,
    ),
    (
        "odd-hours",
        ("account-testing",),
        (
            (
                "docs_odd_hour_1d",
                "17 documents in a day at hours when it is not usually active",
                17,
                1,
                310,
                "documents",
                5.7,
            ),
            (
                "platforms_1h",
                "9 platforms in one hour; this account's usual most is 3",
                9,
                3,
                160,
                "platforms",
                5.1,
            ),
        ),
        5.8,
    ),
)


def token(kind: str, random_: random.Random, length: int = 24) -> str:
    return f"{kind}1_" + "".join(random_.choice(_LETTERS) for _ in range(length))


def make_alert(index: int = 0, *, seed: int = 1, opened_at: int | None = None, account: str = "") -> Alert:
    """The ``index``-th example: story ``index`` modulo their number, a little less striking every round."""
    random_ = random.Random(f"{seed}-{index}")
    detection, others, measures, score = STORIES[index % len(STORIES)]
    opened = NOW - HOUR - index * 5 * HOUR if opened_at is None else opened_at
    reasons = tuple(
        Reason(detection if rank == 0 else (others or (detection,))[min(rank, len(others)) - 1], *measure)
        for rank, measure in enumerate(measures)
    )
    documents = int(
        max(measure[2] for measure in measures if measure[5] == "documents" or measure is measures[0])
    )
    return Alert(
        alert_id=f"JG-{random_.getrandbits(40):010X}",
        account=account or token("u", random_),
        opened_at=opened,
        updated_at=opened + 40 * 60,
        score=round(score - 0.13 * (index // len(STORIES)), 2),
        probability=max(0.02, min(0.97, (score - 4) / 10)),
        detections=(detection, *others),
        reasons=reasons,
        summary=f"{reasons[0].text}.",
        events=documents * 3,
        documents=min(documents, 400),
        policy="5e1f0c2a9b3d",
        model="evidence-1",
        picture=_picture(random_, reasons, opened, new=HOSTING if index % 2 == 0 else ABROAD),
    )


def _picture(random_: random.Random, reasons: tuple[Reason, ...], opened: int, *, new: Location) -> Picture:
    first = opened // HOUR * HOUR - 46 * HOUR
    usual = max(2.0, reasons[0].usual or 0.0)
    peak = min(max(6.0, reasons[0].observed), 240.0)
    hours = [(first + n * HOUR, random_.choice((0, 0, 0, 1, 2)) if 6 < n % 24 < 20 else 0) for n in range(48)]
    hours[-3:] = [
        (start, int(peak * share)) for (start, _), share in zip(hours[-3:], (0.3, 1.0, 0.55), strict=True)
    ]
    days = [
        (_day(opened - n * DAY), random_.choice((0, 3, 5, 8)) if n else int(peak * 1.8))
        for n in range(27, -1, -1)
    ]
    return Picture(
        measures=reasons,
        hours=tuple(hours),
        days=tuple(days),
        usual_hour=min(usual, 12.0),
        usual_day=min(usual, 12.0) * 2.2,
        places=(
            SeenEntity("GB", 38.2, 0.98, False),
            SeenEntity("Leeds, GB", 31.0, 0.81, False),
            SeenEntity("York, GB", 12.4, 0.33, False),
            SeenEntity(f"{new.city}, {new.country}", 0.0, 0.0, True),
        ),
        networks=(
            SeenEntity("Example University (campus)", 30.1, 0.79, False),
            SeenEntity("Example Broadband (isp)", 12.0, 0.31, False),
            SeenEntity(f"{new.owner} ({new.kind})", 0.0, 0.0, True),
        ),
        platforms=(
            SeenEntity("sciencedirect", 22.0, 0.58, False),
            SeenEntity("jstor", 9.5, 0.25, False),
            SeenEntity("nature", 0.0, 0.0, True),
            SeenEntity("wiley", 0.0, 0.0, True),
        ),
        active_days=38.2,
        groups=(("rate", 14.1), ("novelty", 13.2), ("day", 6.0)),
    )


def _day(seconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def make_traces(alert: Alert, first: int = 1, count: int = 120) -> tuple[Trace, ...]:
    """Events before and in the alert's episode: campus reading, then a theft from elsewhere."""
    random_ = random.Random(alert.alert_id)
    addresses = {
        place: (token("a", random_), token("n", random_)) for place in (CAMPUS, HOME, HOSTING, ABROAD)
    }
    session = token("s", random_)
    found = []
    for n in range(count):
        quiet = n < count // 4
        place = random_.choice((CAMPUS, HOME)) if quiet else random_.choice((HOSTING, HOSTING, ABROAD))
        start = alert.opened_at - 20 * HOUR if quiet else alert.opened_at
        time = start + n * (900 if quiet else 15)
        address, network = addresses[place]
        event = AccessEvent(
            time=time,
            offset=0,
            account=alert.account,
            session=session,
            address=address,
            network=network,
            place=place,
            method="GET",
            status=random_.choice((200, 200, 200, 200, 302, 404)),
            size=random_.randint(900, 2_400_000),
            resource=Resource(
                random_.choice(("sciencedirect", "jstor") if quiet else ("nature", "wiley", "sciencedirect")),
                random_.choice(
                    (EventKind.PDF, EventKind.PDF, EventKind.FULLTEXT, EventKind.ABSTRACT, EventKind.SEARCH)
                ),
                document=token("d", random_, 12)[3:],
            ),
            referer="same",
            agent="browser" if quiet else "script",
        )
        found.append(
            Trace(sequence=first + n, event=event, evidence=round(0.4 if quiet else min(30.0, n * 0.3), 2))
        )
    return tuple(sorted(found, key=lambda trace: trace.sequence))


def checkpoint(
    alerts: Sequence[Alert] = (),
    traces: Sequence[Trace] = (),
    *,
    written_at: float = NOW,
    lines: int = 1_204_511,
) -> Checkpoint:
    return Checkpoint(
        changes=Changes(
            accounts=tuple((alert.account, b"\x01" * 64) for alert in alerts),
            shared={"tables": b"\x00\x01"},
            alerts=tuple(alerts),
            traces=tuple(traces),
        ),
        positions={"ezproxy.log": b'{"offset": 4711}'},
        counters={
            "lines_total": lines,
            "events_total": lines - 37,
            "events_without_account_total": 1_800,
            "events_scored_total": lines - 1_837,
            "alerts_total": len(alerts),
            "rejected_total:no-time": 30,
            "rejected_total:too-long": 7,
        },
        rejected=(
            Rejected("no-time", "ezproxy.log", 12, 80),
            Rejected("too-long", "ezproxy.log", 99, 1_048_577),
        ),
        last_event_time=NOW - 20,
        written_at=written_at,
    )


def fill(
    place: backend.DatabaseLocation, count: int = 14, *, written_at: float = NOW, traced: int = 3
) -> list[Alert]:
    """A database of ``count`` alerts, the first ``traced`` with their events; returns the alerts."""
    alerts = [make_alert(index) for index in range(count)]
    traces = [
        trace for n, alert in enumerate(alerts[:traced]) for trace in make_traces(alert, first=1 + n * 1_000)
    ]
    store = open_store(place)
    store.commit(checkpoint(alerts, traces, written_at=written_at))
    store.close()
    return alerts

"""Features: (state of the account, event) -> (state, measures, evidence), compiled.

``absorb`` walks a batch in order. Nothing an event does depends on how the batches were cut, on
other accounts' events of the same day, or on a clock. Late events count as if they came now; time
never runs backwards inside a state. What the site knows (tables, prevalences) is an input and
changes only at the close of a day.
"""

import math
import sys
from typing import Any

import numpy as np
from numba import njit

from models import evidence
from models.evidence import position, weigh
from models.scale import BINS_PER_E
from service.kernel import account_record, account_tables, blatant, cusum, input_rows, measures
from service.kernel.account_record import BIN_UNIT, DAY_UNIT, DAYS, HOURS, RING
from service.kernel.account_tables import distance_km, recent, slot_of, touch, unfamiliar
from service.kernel.blatant import asks
from service.kernel.cache_key import code_mark
from service.kernel.cusum import risen
from service.kernel.input_rows import IGNORED, LOGIN_FAILED, LOGIN_OK, PAGE, READING
from service.kernel.measure_types import HOUR, TEN_MINUTES, TIMES, Signal
from service.kernel.measures import COUNTERS, OWN, TRENDS, K, M

FAR_KM = 200.0
YOUNG_DAYS = 21
SLEEP_DAYS = 30
STRAY = 172800  # s; a state further ahead of the log than lines may be late was led astray by one line
# By the place of a counter in an account's record.
_TIME_OF = tuple(TIMES.index(m.spec.counter.seconds) for m in COUNTERS if m.spec.counter)
_SIGNAL_OF = tuple(int(m.spec.counter.signal) for m in COUNTERS if m.spec.counter)
_MEASURE_OF = tuple(int(m) for m in COUNTERS)
_DOCS_1H, _DOCS_1D, _REQUESTS_1H, _ERRORS_1H = (
    COUNTERS.index(m) for m in (M.DOCS_1H, M.DOCS_1D, M.REQUESTS_1H, M.ERRORS_1H)
)
(
    DOCUMENT, REQUEST, MEGABYTES, ERROR, HOP, SWITCH, TWO_PLACES, SESSION_MOVED, FAILED, FAILED_THEN_OK,
    SPEED, NEW_NETWORK, YOUNG_NETWORK, JOINT, NEW_PLATFORM, HOSTING, ODD_HOUR,
) = map(int, Signal)  # fmt: skip
KEEP = 1  # flag of an event: worth keeping for the analyst


@njit
def _fade(r, dt):
    """Let dt seconds pass."""
    fades = (
        math.exp(-dt / TIMES[0]), math.exp(-dt / TIMES[1]), math.exp(-dt / TIMES[2]),
        math.exp(-dt / TIMES[3]), math.exp(-dt / TIMES[4]),
    )  # fmt: skip
    for j in range(len(_TIME_OF)):
        r.counters[j] *= fades[_TIME_OF[j]]


@njit
def _add(r, signal, amount):
    """Add to every counter of a signal."""
    for j in range(len(_SIGNAL_OF)):
        if _SIGNAL_OF[j] == signal:
            r.counters[j] += amount


@njit
def _lift(r, signal, value):
    """Raise every counter of a signal to a value."""
    for j in range(len(_SIGNAL_OF)):
        if _SIGNAL_OF[j] == signal:
            r.counters[j] = max(r.counters[j], value)


@njit
def _travel(r, where, now, city_new):
    """Speed between cities, and being in two distant places within ten minutes."""
    if where.city == 0 or math.isnan(where.latitude):
        return
    if r.place_time > 0 and where.city != r.last_city:
        km = distance_km(r.latitude, r.longitude, where.latitude, where.longitude)
        dt = abs(float(now) - r.place_time)
        if km > FAR_KM:
            old_new = 0.0
            for j in range(r.cities.shape[0]):
                if r.cities[j].key == r.last_city:
                    old_new = unfamiliar(r.cities[j].days, r.active_days, 0.01)
            strange = max(city_new, old_new)
            _lift(r, SPEED, strange * km / (max(dt, 60.0) / 3600.0))
            if dt < TEN_MINUTES:
                _add(r, TWO_PLACES, strange)
    r.latitude = where.latitude
    r.longitude = where.longitude
    r.last_city = where.city
    r.place_time = max(r.place_time, now)


@njit
def _session(r, session, network, now, network_new):
    """Note a session; one that moves to another network may have been carried off."""
    oldest = 0
    for j in range(r.sessions.shape[0]):
        if r.sessions[j].key == session:
            if r.sessions[j].network != network:
                _add(r, SESSION_MOVED, network_new)
                r.sessions[j].network = network
            r.sessions[j].last = max(r.sessions[j].last, now)
            return
        if r.sessions[j].last < r.sessions[oldest].last:
            oldest = j
    r.sessions[oldest].key = session
    r.sessions[oldest].network = network
    r.sessions[oldest].last = now


@njit
def _where(r, event, where, today):
    """Update what is known of places; returns (how new the network is, is it young)."""
    now = event.time
    if where.network == 0:
        return 0.0, 0.0
    owner = r.owners[slot_of(r.owners, where.owner, now, today)] if where.owner != 0 else r.owners[0]
    owner_share = owner.days / DAY_UNIT / (r.active_days + 1.0) if where.owner != 0 else 0.0
    prior = max(where.p_network, 0.25 * max(owner_share, where.p_owner))
    net = r.networks[slot_of(r.networks, where.network, now, today)]
    network_new = unfamiliar(net.days, r.active_days, prior)
    young = network_new if today - net.first < YOUNG_DAYS else 0.0
    city_new = 0.0
    if where.city != 0:
        city = r.cities[slot_of(r.cities, where.city, now, today)]
        city_new = unfamiliar(city.days, r.active_days, where.p_city)
    if where.country != 0:
        slot_of(r.countries, where.country, now, today)
    if r.last_address != 0 and r.last_address != where.address and abs(now - r.last_time) < TEN_MINUTES:
        _add(r, SWITCH, 1.0)
    _travel(r, where, now, city_new)
    if event.session != 0:
        _session(r, event.session, where.network, now, network_new)
    touch(r.addresses, where.address, now)
    r.last_address = where.address
    return network_new, young


@njit
def _ring_has(r, document, day):
    """Was this document already counted on this local day? Remembers it if not."""
    mixed = (document ^ (np.uint64(day) * np.uint64(0x9E3779B97F4A7C15))) * np.uint64(0xBF58476D1CE4E5B9)
    mark = np.uint32(mixed >> np.uint64(32)) | np.uint32(1)
    for j in range(RING):
        if r.ring[j] == mark:
            return True
    r.ring[r.ring_next] = mark
    r.ring_next = (r.ring_next + 1) % RING
    return False


@njit
def _history(r, local):
    """Count a document into the rings of hours and days."""
    day, hour = local // 86400, local // 3600
    if day > r.ring_day:
        for d in range(max(r.ring_day + 1, day - DAYS + 1), day + 1):
            r.days[d % DAYS] = 0
        r.ring_day = day
    if day > r.ring_day - DAYS:
        r.days[day % DAYS] = min(r.days[day % DAYS] + 1, 65535)
    if hour > r.ring_hour:
        for h in range(max(r.ring_hour + 1, hour - HOURS + 1), hour + 1):
            r.hours[h % HOURS] = 0
        r.ring_hour = hour
    if hour > r.ring_hour - HOURS:
        r.hours[hour % HOURS] = min(r.hours[hour % HOURS] + 1, 255)


@njit
def _rhythm(r, what, now):
    """Evenness of the gaps between documents, and runs within one journal."""
    gap = now - r.document_time
    if r.document_time == 0 or gap > 3 * HOUR:
        r.gaps = 0.0
        r.run = 0.0
    elif gap >= 0:
        x = math.log(gap + 0.5)
        weight = max(0.15, 1.0 / (r.gaps + 1.0))
        delta = x - r.gap_mean
        r.gap_mean += weight * delta
        r.gap_var = (1.0 - weight) * (r.gap_var + weight * delta * delta)
        r.gaps = min(r.gaps + 1.0, 50.0)
    step = abs(what.sequence - r.last_sequence)
    known = what.sequence >= 0 and r.last_sequence >= 0
    if known and what.journal != 0 and what.journal == r.last_journal and 0 < step <= 200:
        r.run += 1.0
    else:
        r.run *= 0.5
    r.last_journal = what.journal
    r.last_sequence = what.sequence
    r.document_time = max(r.document_time, now)


@njit
def _document(r, what, where, now, local, network_new, young, platform_new):
    """Count one distinct document."""
    r.documents += 1
    _add(r, DOCUMENT, 1.0)
    _add(r, NEW_NETWORK, network_new)
    _add(r, YOUNG_NETWORK, young)
    _add(r, JOINT, network_new * platform_new)
    _add(r, NEW_PLATFORM, platform_new)
    if where.hosting:
        _add(r, HOSTING, network_new)
    part = (local % 86400) // 10800
    if r.active_days >= 3.0:
        _add(r, ODD_HOUR, unfamiliar(r.hour_days[part], r.active_days, 0.125))
    if what.journal != 0:
        touch(r.journals, what.journal, now)
    _rhythm(r, what, now)


@njit
def _login(r, kind, where, now):
    if kind == LOGIN_FAILED:
        _add(r, FAILED, 1.0)
        r.failed_time = now
        r.failed_network = where.network
    elif kind == LOGIN_OK and r.failed_time > 0:
        if now - r.failed_time < TEN_MINUTES and where.network != r.failed_network:
            _add(r, FAILED_THEN_OK, 1.0)


@njit
def _measure(r, site_mean, site_var, out):
    """Fill the measure vector (K,) from the state."""
    day_ago, hour_ago = r.last_time - 86400, r.last_time - 3600
    for j in range(len(_MEASURE_OF)):
        out[_MEASURE_OF[j]] = r.counters[j]
    docs, requests, errors = r.counters[_DOCS_1H], r.counters[_REQUESTS_1H], r.counters[_ERRORS_1H]
    out[M.NETWORKS_1D] = recent(r.networks, day_ago)
    out[M.OWNERS_1D] = recent(r.owners, day_ago)
    out[M.CITIES_1D] = recent(r.cities, day_ago)
    out[M.COUNTRIES_1D] = recent(r.countries, day_ago)
    out[M.ADDRESSES_1D] = recent(r.addresses, day_ago)
    out[M.SESSIONS_1D] = recent(r.sessions, day_ago)
    out[M.PLATFORMS_1H] = recent(r.platforms, hour_ago)
    out[M.JOURNALS_1D] = recent(r.journals, day_ago)
    out[M.ERROR_SHARE] = 100.0 * errors / (requests + errors + 10.0)
    out[M.SWEEP] = r.run
    out[M.REGULAR] = docs * max(0.0, 1.0 - math.sqrt(r.gap_var) / 0.7) if r.gaps >= 6.0 else 0.0
    pages = max(0.0, requests - docs)
    out[M.PDF_ONLY] = docs * max(0.0, 1.0 - pages / (1.5 * docs + 0.1))
    asleep = min(1.0, r.asleep / 120.0) if r.asleep >= SLEEP_DAYS else 0.0
    out[M.DOCS_AFTER_SLEEP] = r.counters[_DOCS_1D] * asleep
    _own(r, site_mean, site_var, out)
    for j in range(len(TRENDS)):
        base, trend = TRENDS[j]
        out[trend] = risen(r, j, math.log1p(out[base]))


@njit
def _own(r, site_mean, site_var, out):
    """z against the account's own daily maxima, shrunk to the site's by four pseudo-days."""
    for j in range(len(OWN)):
        base, z = OWN[j]
        n = r.history
        mean = (n * (r.usual[base] / BIN_UNIT / BINS_PER_E) + 4.0 * site_mean[j]) / (n + 4.0)
        var = (n * r.spread[j] + 4.0 * site_var[j]) / (n + 4.0)
        out[z] = max(0.0, (math.log1p(out[base]) - mean) / math.sqrt(var + 0.05))


@njit
def _step(r, event, where, what):
    """Let the state take in one event that is neither an asset nor a poll."""
    now, local = event.time, event.local
    today = local // 86400
    if r.first_time == 0:
        r.first_time = now
        r.active_last = today
    if r.last_time - now > STRAY:
        r.last_time = now
        r.place_time = 0
        r.document_time = 0
        r.ring_day = 0
        r.ring_hour = 0
    if r.last_time > 0:
        _fade(r, max(0.0, float(now - r.last_time)))
    if r.day_events == 0:
        silent = today - r.active_last
        if silent >= SLEEP_DAYS:
            r.asleep = min(silent, 65535)
    network_new, young = _where(r, event, where, today)
    r.kinds |= where.kind
    if event.category != 0:
        r.category = event.category
    r.hour_seen |= 1 << ((local % 86400) // 10800)
    platform_new = 0.0
    if what.kind <= READING and what.platform != 0:
        slot = r.platforms[slot_of(r.platforms, what.platform, now, today)]
        platform_new = unfamiliar(slot.days, r.active_days, what.p_platform)
        if r.last_platform != 0 and r.last_platform != what.platform:
            _add(r, HOP, 1.0)
        r.last_platform = what.platform
        _add(r, MEGABYTES, event.mb)
        _add(r, ERROR, event.error)
        if event.document == 0 and what.kind == PAGE:
            _add(r, REQUEST, 1.0)
    if event.document and not _ring_has(r, what.document, today):
        _add(r, REQUEST, 1.0)
        _history(r, local)
        _document(r, what, where, now, local, network_new, young, platform_new)
    _login(r, what.kind, where, now)
    r.events += 1
    r.day_events += 1
    r.last_time = max(r.last_time, now)


@njit
def _hush(measures, quiet, group_of):
    """Leave out what an analyst found to be expected of the account; its day's maxima hold it still."""
    for k in range(K):
        if (quiet >> group_of[k]) & 1:
            measures[k] = 0.0


def _kernel(mark: int) -> Any:
    """The kernel, whose cache is good for this mark only."""

    @njit(cache=True)
    def absorb(
        states, events, start, wheres, whats, table, group_of, site_mean, site_var, gate, moved, minutes,
        flags, evidence, asked, asked_states, asked_measures, asked_groups,
    ):  # fmt: skip
        """Absorb a batch from event ``start`` on, and say which events the models must be asked about.

        Shapes: states (A,) ACCOUNT, events (N,) EVENT, table (classes, K, BINS), site_mean and site_var
        (classes, len(OWN)); outputs flags (N,) u1, evidence (N,) f4, and up to C rows of asked (C,) i4,
        asked_states (C,) ACCOUNT as of that event, asked_measures (C, K), asked_groups (C, G). Returns (next,
        rows): where to go on (N at the end) and how many rows of the asked arrays were filled. The gate:
        evidence at least ``gate``, and moved by ``moved`` or ``minutes`` since a model was last asked; or a
        harvest so plain that it needs none (``blatant``).
        """
        count = mark - mark  # closes over the mark
        measures = np.zeros(K)
        groups = np.zeros(asked_groups.shape[1])
        for i in range(start, events.shape[0]):
            if count == asked.shape[0]:
                return i, count
            event = events[i]
            what = whats[event.what]
            if what.kind == IGNORED:
                continue
            r = states[event.slot]
            _step(r, event, wheres[event.where], what)
            _measure(r, site_mean[r.rank], site_var[r.rank], measures)
            for k in range(K):
                at = np.uint16(position(measures[k]) * BIN_UNIT)
                r.day_max[k] = max(r.day_max[k], at)
            if event.local // 86400 < r.quiet_until:
                _hush(measures, r.quiet_groups, group_of)
            e = weigh(measures, table[r.rank], group_of, groups)
            r.evidence = e
            r.day_evidence = max(r.day_evidence, e)
            evidence[i] = e
            if e >= 2.0:
                flags[i] = KEEP
            news = abs(e - r.scored) >= moved or r.last_time - r.scored_time >= 60 * minutes
            if (e >= gate and news) or (event.document and asks(r, wheres[event.where])):
                r.scored = e
                r.scored_time = r.last_time
                asked[count] = i
                asked_states[count] = r
                asked_measures[count] = measures
                asked_groups[count] = groups
                count += 1
        return events.shape[0], count

    return absorb


absorb = _kernel(
    code_mark(
        evidence, account_record, blatant, measures, input_rows, account_tables, cusum, sys.modules[__name__]
    )
)

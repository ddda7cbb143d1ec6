"""How long guessing has to wait: for each user by network, and for each known device by itself.

A wait of the user alone would let any stranger keep a colleague out, so it is of the user *and* the network
that the attempts come from; a browser by which this user has signed in before waits for its own mistakes.
In this process and in bounded memory, like :mod:`alerts_api.signin.rate_limits`.
"""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from threading import Lock

FREE_FAILURES = 4  # in a row, before the next attempt has to wait
LONGEST_WAIT = 900.0  # s
FORGOTTEN_SECONDS = 86_400.0  # after the last failure
KEYS = 10_000


def wait_after(failures: int) -> float:
    """How long no attempt is taken after so many failures in a row, s.

    >>> [wait_after(n) for n in (0, 4, 5, 8, 30)]
    [0.0, 0.0, 2.0, 16.0, 900.0]
    """
    return min(2.0 ** min(failures - FREE_FAILURES, 20), LONGEST_WAIT) if failures > FREE_FAILURES else 0.0


def network_of(address: str) -> str:
    """What counts as one place that attempts come from: an IPv4 address, or the 64 bits a site of IPv6 has.

    >>> network_of("192.0.2.7"), network_of("2001:db8::7"), network_of("::ffff:192.0.2.7"), network_of("")
    ('192.0.2.7', '2001:db8::/64', '192.0.2.7', '')
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return f"{IPv6Address(int(found) >> 64 << 64)}/64"


def bucket_of(*parts: str) -> str:
    """The name of a bucket, as long for any text that was typed."""
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


class AttemptBook:
    """Books each attempt as failed before anything of it is looked at, so that guesses at once count too."""

    def __init__(self, clock: Callable[[], float], *, keys: int = KEYS) -> None:
        self._clock = clock
        self._keys = keys
        self._lock = Lock()
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()  # bucket -> failures, when

    def begin(self, bucket: str) -> bool:
        """Whether an attempt is taken now; it counts as failed until :meth:`succeed`."""
        now = self._clock()
        with self._lock:
            failures, at = self._failed.pop(bucket, (0, now))
            if now - at >= FORGOTTEN_SECONDS:
                failures = 0
            taken = now - at >= wait_after(failures)
            self._failed[bucket] = (failures + 1, now) if taken else (failures, at)
            if len(self._failed) > self._keys:
                self._failed.popitem(last=False)
        return taken

    def succeed(self, bucket: str) -> None:
        """It was the right person."""
        with self._lock:
            self._failed.pop(bucket, None)

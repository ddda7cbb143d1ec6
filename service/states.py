"""The states of all accounts in one dense array, and which of them changed."""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from service.account import ACCOUNT, VERSION
from service.alerting import Episode
from service.errors import StateError
from service.saved import reading

LATELY = 20_000  # accounts seen lately, in a dict small enough for the processor's cache
HEADER = VERSION.to_bytes(2, "little") + ACCOUNT.itemsize.to_bytes(2, "little")


class States:
    """Accounts by pseudonym, each at a slot of ``array``; grows by doubling."""

    def __init__(self) -> None:
        self.array = np.zeros(1024, ACCOUNT)
        self.names: list[str] = []
        self.episodes: dict[str, Episode] = {}
        self._slot_of: dict[str, int] = {}
        self._lately: dict[str, int] = {}
        self._dirty: set[int] = set()
        self._gone: set[str] = set()

    def slots(self, accounts: Sequence[str]) -> list[int]:
        """Slot of each account; unknown ones get a new, empty state."""
        if len(self._lately) > LATELY:
            self._lately.clear()
        lately = self._lately
        return [slot if (slot := lately.get(a)) is not None else self._find(a) for a in accounts]

    def _find(self, account: str) -> int:
        slot = self._slot_of.get(account)
        if slot is None:
            slot = self._add(account)
        self._lately[account] = slot
        return slot

    def _add(self, account: str) -> int:
        slot = self._slot_of[account] = len(self.names)
        self.names.append(account)
        if slot == len(self.array):
            larger = np.zeros(2 * slot, ACCOUNT)  # pages of it are taken from the system as they are used
            larger[:slot] = self.array
            self.array = larger
        return slot

    def touch(self, slots: Iterable[int]) -> None:
        self._dirty.update(slots)

    def forget(self, account: str) -> None:
        """Nothing is left of it; the newest account moves into its slot."""
        slot = self._slot_of.pop(account, None)
        if slot is None:
            return
        self._gone.add(account)
        self._lately.clear()
        self.episodes.pop(account, None)
        last = len(self.names) - 1
        moved, changed = self.names.pop(), last in self._dirty
        self._dirty -= {slot, last}
        if slot != last:
            self.names[slot], self._slot_of[moved] = moved, slot
            self.array[slot] = self.array[last]
            self._dirty |= {slot} if changed else set()
        self.array[last] = np.zeros(1, ACCOUNT)[0]

    def drain(self) -> tuple[tuple[str, bytes], ...]:
        """Packed records of the accounts changed since the last call."""
        packed = tuple((self.names[s], self._pack(s)) for s in sorted(self._dirty))
        self._dirty.clear()
        return packed

    def drain_gone(self) -> tuple[str, ...]:
        """Accounts forgotten since the last call, and not seen again."""
        gone = tuple(account for account in sorted(self._gone) if account not in self._slot_of)
        self._gone.clear()
        return gone

    def _pack(self, slot: int) -> bytes:
        episode = self.episodes.get(self.names[slot])
        record: bytes = self.array[slot].tobytes()
        return HEADER + record + (msgspec.msgpack.encode(episode) if episode else b"")

    def restore(self, accounts: Iterable[tuple[str, bytes]]) -> None:
        """Raises StateError for a record that this version cannot read."""
        end = len(HEADER) + ACCOUNT.itemsize
        for account, blob in accounts:
            if blob[: len(HEADER)] != HEADER or len(blob) < end:
                raise StateError(
                    f"state of an account has version {int.from_bytes(blob[:2], 'little')}, this release "
                    f"reads {VERSION}; run the release that wrote the database, or start a new site"
                )
            slot = self._add(account)
            self.array[slot] = np.frombuffer(blob[len(HEADER) : end], ACCOUNT)[0]
            if len(blob) > end:
                with reading("episode of an account"):
                    self.episodes[account] = msgspec.msgpack.decode(blob[end:], type=Episode)

"""The states of all accounts in one dense array, and which of them changed."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from service.base.decoding import decoding_guard
from service.base.errors import CheckpointError
from service.decision.episodes import Episode
from service.kernel import old_layouts
from service.kernel.account_record import ACCOUNT
from service.kernel.measures import VERSION
from service.kernel.training_rows import Examples

LATELY = 20_000  # accounts seen lately, in a dict small enough for the processor's cache
HEADER = VERSION.to_bytes(2, "little") + ACCOUNT.itemsize.to_bytes(2, "little")


def stable_id(account: str) -> int:
    """A number of an account that any process finds alike, 64 bits, evenly spread."""
    return int.from_bytes(blake2b(account.encode(), digest_size=8).digest(), "little")


class Sample(msgspec.Struct, frozen=True):
    """One moment of an account's day: that of the lowest key of all that the models were asked about."""

    key: int
    moment: Examples


class Beside(NamedTuple):
    """What is kept with an account's record."""

    episode: Episode | None
    sample: Sample | None


class AccountTable:
    """Accounts by pseudonym, each at a slot of ``array``; grows by doubling."""

    def __init__(self) -> None:
        self.array = np.zeros(1024, ACCOUNT)
        self.names: list[str] = []
        self.episodes: dict[str, Episode] = {}
        self.samples: dict[str, Sample] = {}  # of accounts that the models were asked about today
        self._slot_of: dict[str, int] = {}
        self._ids = np.zeros(1024, np.uint64)
        self._lately: dict[str, int] = {}
        self._dirty: set[int] = set()
        self._free: list[int] = []  # slots of accounts that are gone
        self._gone: set[str] = set()  # since the last drain

    @property
    def ids(self) -> NDArray[np.uint64]:
        """``stable_id`` of each account, by slot."""
        return self._ids[: len(self.names)]

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
        self._gone.discard(account)
        if self._free:
            slot = self._slot_of[account] = self._free.pop()
            self.names[slot] = account
            self._ids[slot] = stable_id(account)
            return slot
        slot = self._slot_of[account] = len(self.names)
        self.names.append(account)
        if slot == len(self.array):
            larger = np.zeros(2 * slot, ACCOUNT)  # pages of it are taken from the system as they are used
            larger[:slot] = self.array
            self.array = larger
            self._ids = np.concatenate([self._ids, np.zeros(slot, np.uint64)])
        self._ids[slot] = stable_id(account)
        return slot

    def touch(self, slots: Iterable[int]) -> None:
        self._dirty.update(slots)

    def rename(self, old: str, new: str) -> None:
        """What is known of ``old`` is ``new``'s from now on, unless ``new`` has a state already."""
        if old not in self._slot_of or new in self._slot_of:
            return
        slot = self._leave(old)
        self._slot_of[new] = slot
        self.names[slot] = new
        self._ids[slot] = stable_id(new)
        self._gone.discard(new)
        if (episode := self.episodes.pop(old, None)) is not None:
            self.episodes[new] = _named(episode, new)
        if (sample := self.samples.pop(old, None)) is not None:
            self.samples[new] = sample
        self._dirty.add(slot)

    def forget(self, account: str) -> None:
        """As if it had never been seen."""
        if account not in self._slot_of:
            return
        slot = self._leave(account)
        self.array[slot] = np.zeros((), ACCOUNT)
        self.names[slot] = ""
        self.episodes.pop(account, None)
        self.samples.pop(account, None)
        self._dirty.discard(slot)
        self._free.append(slot)

    def has_account(self, account: str) -> bool:
        """Has it a state?"""
        return account in self._slot_of

    def export_account(self, account: str) -> bytes:
        """Its packed record, which is not here any more; empty for none."""
        if account not in self._slot_of:
            return b""
        packed = self._pack(self._slot_of[account])
        self.forget(account)
        return packed

    def import_account(self, account: str, blob: bytes) -> None:
        """Take in a record that was another account's. Raises StateError."""
        self.restore([(account, blob)])
        if (episode := self.episodes.get(account)) is not None:
            self.episodes[account] = _named(episode, account)
        self._dirty.add(self._slot_of[account])

    def _leave(self, account: str) -> int:
        self._lately.pop(account, None)
        self._gone.add(account)
        return self._slot_of.pop(account)

    def drain(self) -> tuple[tuple[str, bytes], ...]:
        """Packed records of the accounts changed since the last call."""
        packed = tuple((self.names[s], self._pack(s)) for s in sorted(self._dirty))
        self._dirty.clear()
        return packed

    def drain_gone(self) -> tuple[str, ...]:
        """Accounts that left since the last call and have not come back."""
        gone = tuple(sorted(self._gone))
        self._gone.clear()
        return gone

    def _pack(self, slot: int) -> bytes:
        name = self.names[slot]
        beside = Beside(self.episodes.get(name), self.samples.get(name))
        record: bytes = self.array[slot].tobytes()
        return HEADER + record + (msgspec.msgpack.encode(beside) if any(beside) else b"")

    def restore(self, accounts: Iterable[tuple[str, bytes]]) -> None:
        """Raises StateError for a record that this version cannot read."""
        for account, blob in accounts:
            layout = old_layouts.LAYOUTS.get(int.from_bytes(blob[:2], "little"))
            end = len(HEADER) + (layout.itemsize if layout else 0)
            if layout is None or int.from_bytes(blob[2:4], "little") != layout.itemsize or len(blob) < end:
                raise CheckpointError(
                    f"state of an account has version {int.from_bytes(blob[:2], 'little')}, this release "
                    f"reads up to {VERSION}; run the release that wrote the database, or start a new site"
                )
            slot = self._add(account)  # which may put a larger array in the place of this one
            record = old_layouts.unpack(blob[len(HEADER) : end], layout)
            # As bytes: numpy copies a record of so many fields one by one.
            self.array[slot : slot + 1].view(np.uint8)[:] = np.frombuffer(record, np.uint8)
            if len(blob) > end:
                with decoding_guard("episode of an account"):
                    self._lay_beside(account, msgspec.msgpack.decode(blob[end:], type=Episode | Beside))

    def _lay_beside(self, account: str, beside: "Episode | Beside") -> None:
        """What was kept with its record: of earlier releases the episode alone."""
        episode, sample = (beside, None) if isinstance(beside, Episode) else beside
        if episode is not None:
            self.episodes[account] = episode
        if sample is not None:
            self.samples[account] = sample


def _named(episode: Episode, account: str) -> Episode:
    """The episode as another pseudonym's."""
    return msgspec.structs.replace(episode, alert=msgspec.structs.replace(episode.alert, account=account))

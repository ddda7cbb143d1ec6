"""Merkle trees over SHA-256, RFC 6962 section 2.1 (the same in RFC 9162 section 2.1). Pure functions.

A tree of n leaves is known by the hashes of its complete subtrees. The one at ``(level, index)`` spans the
leaves ``index << level`` to ``(index + 1) << level``; level 0 are the leaves. A complete subtree never
changes, so a log writes each once, 2 for each leaf on average. Every range that a proof speaks of is a row
of such subtrees, O(log n) of them.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

Node = tuple[int, int]  # level, index
Look = Callable[[Node], bytes]  # the hash of a complete subtree
Range = tuple[int, int]  # first leaf, leaf after the last

HASH_BYTES = 32
EMPTY_ROOT = sha256().digest()


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The complete subtrees of a growing tree from left to right: all that appending needs.

    Also called a compact range. ``hashes`` are those of ``span(0, size)``.
    """

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)

    def append(self, leaf: bytes) -> list[tuple[Node, bytes]]:
        """Add the hash of a leaf. The subtrees that are complete now, the leaf first."""
        level, index, found = 0, self.size, leaf
        made = [((level, index), found)]
        while index & 1:
            level, index, found = level + 1, index >> 1, node_hash(self.hashes.pop(), found)
            made.append(((level, index), found))
        self.hashes.append(found)
        self.size += 1
        return made

    def root(self) -> bytes:
        return fold(self.hashes)


def span(start: int, end: int) -> list[Node]:
    """The complete subtrees that make up a range of a tree, from left to right.

    ``start`` is a multiple of a power of two not less than ``end - start``, as in every range of a proof.
    """
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, largest first; of none, the hash of the empty string."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in hashes[-2::-1]:
        root = node_hash(left, root)
    return root


def hashes_of(ranges: Iterable[Range], look: Look) -> tuple[bytes, ...]:
    """A proof's hashes from its ranges."""
    return tuple(fold([look(node) for node in span(*found)]) for found in ranges)


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """``PATH(index, D[size])`` of RFC 6962 section 2.1.1 as ranges, the leaf's sibling first.

    Raises:
        ValueError: unless ``0 <= index < size``.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    start, end, found = 0, size, []
    while end - start > 1:
        middle = start + _left(end - start)
        if index < middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    return found[::-1]


def _left(size: int) -> int:
    """The largest power of two smaller than ``size``, which is at least 2."""
    return 1 << ((size - 1).bit_length() - 1)

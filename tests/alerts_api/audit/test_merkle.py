"""The tree is the one that the RFCs describe and that other programs compute."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts_api.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    Node,
    fold,
    hashes_of,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    span,
)
from tests.alerts_api.audit.inclusion import included, root_of

# Leaves and roots of Certificate Transparency's own tests (merkle_tree_test.cc; kSHA256Roots).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}


def grown(leaves: list[bytes]) -> tuple[dict[Node, bytes], Frontier]:
    """All complete subtrees, and the frontier."""
    frontier = Frontier()
    nodes = dict(node for leaf in leaves for node in frontier.append(leaf))
    return nodes, frontier


def by_the_book(leaves: list[bytes]) -> bytes:
    """MTH as RFC 6962 section 2.1 writes it."""
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY_ROOT
    k = reduce(lambda k, _: k * 2 if k * 2 < len(leaves) else k, leaves, 1)
    return node_hash(by_the_book(leaves[:k]), by_the_book(leaves[k:]))


@pytest.mark.parametrize("size", range(9))
def test_the_published_roots(size: int) -> None:
    assert root_of(map(leaf_hash, LEAVES[:size])).hex() == ROOTS[size]


@pytest.mark.parametrize(("place", "proof"), INCLUSION.items())
def test_the_published_inclusion_proofs(place: tuple[int, int], proof: list[str]) -> None:
    nodes, _ = grown([leaf_hash(leaf) for leaf in LEAVES])
    assert [found.hex() for found in hashes_of(inclusion_ranges(*place), nodes.__getitem__)] == proof


def test_every_proof_of_every_tree_up_to_33_leaves_holds_and_no_other() -> None:
    leaves = [leaf_hash(bytes([n])) for n in range(33)]
    nodes, _ = grown(leaves)
    roots = [by_the_book(leaves[:n]) for n in range(34)]
    for size in range(1, 34):
        assert fold([nodes[node] for node in span(0, size)]) == roots[size]
        for index in range(size):
            proof = hashes_of(inclusion_ranges(index, size), nodes.__getitem__)
            assert included(leaves[index], index, size, proof, roots[size])
            others = set(range(size)) - {index}
            assert not any(included(leaves[o], o, size, proof, roots[size]) for o in others)


@given(st.lists(st.binary(max_size=4), max_size=70), st.data())
def test_growing_at_once_or_later_is_the_same_tree(data: list[bytes], draw: st.DataObject) -> None:
    leaves = [leaf_hash(each) for each in data]
    nodes, frontier = grown(leaves)
    assert frontier.root() == by_the_book(leaves) == root_of(leaves)
    cut = draw.draw(st.integers(0, len(leaves)))
    later = Frontier(cut, [nodes[node] for node in span(0, cut)])
    for leaf in leaves[cut:]:
        later.append(leaf)
    assert (later.size, later.hashes) == (frontier.size, frontier.hashes)


@given(st.integers(1, 200), st.data())
def test_a_changed_byte_anywhere_breaks_a_proof(size: int, draw: st.DataObject) -> None:
    leaves = [leaf_hash(n.to_bytes(2, "big")) for n in range(size)]
    nodes, frontier = grown(leaves)
    index = draw.draw(st.integers(0, size - 1))
    proof = [*hashes_of(inclusion_ranges(index, size), nodes.__getitem__)]
    assert included(leaves[index], index, size, proof, frontier.root())
    assert not included(leaf_hash(b"other"), index, size, proof, frontier.root())
    if proof:
        where = draw.draw(st.integers(0, len(proof) - 1))
        proof[where] = bytes([proof[where][0] ^ 1]) + proof[where][1:]
        assert not included(leaves[index], index, size, proof, frontier.root())


def test_leaves_that_are_not_there_have_no_proof() -> None:
    with pytest.raises(ValueError, match="no leaf 3 in a tree of 3"):
        inclusion_ranges(3, 3)

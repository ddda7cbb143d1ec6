"""Partitions as Kafka's own producers choose them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2

from service.distributed.protocol.partitions import key_in, partition_of, partition_of_account


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        # org.apache.kafka.common.utils.UtilsTest.testMurmur2
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (bytes("abc", "ascii"), 479470107),
    ],
)
def test_the_hash_is_that_of_java(key: bytes, hashed: int) -> None:
    assert murmur2(key) == hashed % 2**32
    assert partition_of(key, 12) == (hashed & 0x7FFFFFFF) % 12


@given(st.binary(max_size=40), st.integers(1, 1000))
def test_a_partition_is_one_of_them(key: bytes, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions) < partitions


@given(st.text(st.characters(codec="utf-8"), max_size=30), st.integers(1, 50))
def test_an_account_lies_where_its_key_does(account: str, partitions: int) -> None:
    assert partition_of_account(account, partitions) == partition_of(account.encode(), partitions)


@given(st.integers(1, 50), st.data(), st.sampled_from(["checkpoint", "sums"]))
def test_a_key_of_a_partition_lies_in_it(partitions: int, data: st.DataObject, name: str) -> None:
    partition = data.draw(st.integers(0, partitions - 1))
    key = key_in(partition, partitions, name)
    assert partition_of(key, partitions) == partition
    assert key.startswith(b"/")

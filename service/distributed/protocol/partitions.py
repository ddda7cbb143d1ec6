"""Which partition an account belongs to: murmur2 of the key, as Kafka's own producers choose.

The shipper and Faust's tables must agree, else a state's changelog would lie in another partition than
its events.
Source: org.apache.kafka.common.utils.Utils.murmur2, BuiltInPartitioner.partitionForKey.
"""

from functools import lru_cache

from kafka.partitioner.default import murmur2

SPELLINGS = 1_000_000  # tried for a key of a partition's own; one in `partitions` fits


def partition_of(key: bytes, partitions: int) -> int:
    """0 to ``partitions`` - 1."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


@lru_cache(maxsize=200_000)
def partition_of_account(account: str, partitions: int) -> int:
    """The same of an account's pseudonym; accounts repeat, so it is remembered."""
    return partition_of(account.encode(), partitions)


@lru_cache(maxsize=4_096)
def key_in(partition: int, partitions: int, name: str) -> bytes:
    """A key for something of a partition itself, which lies in that partition.

    Begins with ``/``, which no pseudonym does.
    """
    tries = (f"/{name}/{partition}/{i}".encode() for i in range(SPELLINGS))
    return next(key for key in tries if partition_of(key, partitions) == partition)

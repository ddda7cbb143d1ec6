"""Waiting after guesses: by user and network, by device, at once, in bounded memory."""

from threading import Barrier, Thread

from hypothesis import given
from hypothesis import strategies as st

from alerts_api.signin.attempts import (
    FORGOTTEN_SECONDS,
    FREE_FAILURES,
    LONGEST_WAIT,
    AttemptBook,
    network_of,
    wait_after,
)


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_guesses_at_once_count_before_any_of_them_is_looked_at() -> None:
    book, start = AttemptBook(lambda: 0.0), Barrier(40)
    taken: list[bool] = []

    def guess() -> None:
        start.wait()
        taken.append(book.begin("x"))

    threads = [Thread(target=guess) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == FREE_FAILURES + 1


def test_a_wait_ends_and_is_not_made_longer_by_asking_meanwhile() -> None:
    clock = Clock()
    book = AttemptBook(clock)
    while book.begin("x"):
        pass
    for _ in range(100):
        assert not book.begin("x")
    clock.now += wait_after(FREE_FAILURES + 1)
    assert book.begin("x")


def test_success_and_a_day_make_it_free_again() -> None:
    clock = Clock()
    book = AttemptBook(clock)
    for _ in range(30):
        clock.now += LONGEST_WAIT
        assert book.begin("x")
    assert not book.begin("x")
    clock.now += FORGOTTEN_SECONDS
    assert all(book.begin("x") for _ in range(FREE_FAILURES + 1))
    book.succeed("x")
    assert all(book.begin("x") for _ in range(FREE_FAILURES + 1))


def test_memory_is_bounded() -> None:
    book = AttemptBook(lambda: 0.0, keys=100)
    for n in range(1_000):
        book.begin(str(n))
    assert len(book._failed) == 100


@given(st.ip_addresses())
def test_a_network_is_the_same_for_its_neighbours(address: object) -> None:
    text = str(address)
    assert network_of(text) == network_of(f"{text}%eth0" if ":" in text else text)
    if ":" in text and "." not in network_of(text):
        assert network_of(text).endswith("/64")

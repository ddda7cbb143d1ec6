"""While no broker can be reached: messages wait, memory stays bounded, and the end does not."""

import time
from threading import Event, Thread

import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaConnectionError

from service.distributed.protocol.errors import BrokerError
from service.distributed.shipper import producer as module
from service.distributed.shipper.producer import Producer


def nobody() -> KafkaProducer:
    raise KafkaConnectionError("nobody there")


def test_a_full_buffer_holds_the_reader_back_until_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.1)
    stop = Event()
    producer = Producer(nobody, stop, most=1000)
    raised: list[BrokerError] = []

    def read() -> None:
        try:
            for _ in range(1000):
                producer.send("t", 0, bytes(90))
        except BrokerError as error:
            raised.append(error)

    reader = Thread(target=read)
    reader.start()
    time.sleep(0.3)
    assert reader.is_alive()
    assert producer.buffered_bytes == 990
    stop.set()
    reader.join(10)
    assert "990 bytes are not acknowledged" in str(raised[0])
    assert caplog.text.count("broker-waits") == 1
    producer.close()


def test_a_message_larger_than_the_buffer_goes_alone() -> None:
    producer = Producer(nobody, Event(), most=10)
    producer.send("t", 0, bytes(50))
    assert producer.buffered_bytes == 50
    producer.close()


def test_nothing_sent_is_nothing_to_wait_for() -> None:
    producer = Producer(nobody, Event())
    producer.flush()
    producer.close()

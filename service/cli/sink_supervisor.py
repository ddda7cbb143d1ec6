"""What goes on beside the pages of a site with Kafka: alerts come in, verdicts go out."""

from functools import partial
from threading import Event

from alerts_api.stream.outbox import open_outbox
from alerts_api.stream.store import open_store
from service.cli.options import database_of
from service.config.settings import SiteFolder
from service.distributed.protocol import topics as kafka_topics
from service.distributed.protocol.connection import client_options, kafka_of
from service.distributed.protocol.topics import topics_of
from service.distributed.sink.sink import Sink
from service.distributed.sink.supervisor import Supervisor, Task
from service.distributed.sink.verdict_publisher import VerdictPublisher


def supervisor_of(site: SiteFolder) -> tuple[Supervisor, Sink]:
    """Both, not started. Raises ``BrokerError`` for files of ``[kafka]`` that cannot be read."""
    kafka, place = kafka_of(site), database_of(site)
    options, topics = client_options(kafka, site.folder), topics_of(kafka)
    retention = site.settings.retention
    open_retaining = partial(open_store, place, retention=retention)
    sink = Sink(options, topics, open_retaining, kept_days=retention.events)
    publisher = VerdictPublisher(options, topics.verdicts, lambda: open_outbox(place))
    tasks = {"sink": sink.run, "verdicts": publisher.run}
    return Supervisor({name: _checked(site, task) for name, task in tasks.items()}), sink


def _checked(site: SiteFolder, task: Task) -> Task:
    """The task, once the topics are as they must be. Raises ``TopicError`` or ``BrokerError`` before."""

    def run(stop: Event) -> None:
        kafka_topics.check(site)
        task(stop)

    return run

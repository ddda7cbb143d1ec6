"""Real Apache Kafka without Docker: its jars from Maven, in KRaft mode, one node or three on 127.0.0.1.

``python -m tests.services.kafka`` starts one node for a person to try; ``make kafka`` does that.
"""

import base64
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.services.processes import end, free_ports, start

VERSION = "4.3.1"
POM = Path(__file__).resolve().parents[2] / "deploy/kafka/pom.xml"
STARTED = b"Kafka Server started"
START_SECONDS = 120.0
JAVA = ("java", "-Xmx384m", "-Xms64m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.showDateTime=true")


class Secure(NamedTuple):
    """A second listener with TLS and SASL/SCRAM."""

    certificate: Path  # PEM: key (PKCS 8) and chain
    user: str
    password: str


class _Node:
    def __init__(self, number: int, folder: Path, ports: tuple[int, int, int]) -> None:
        self.number = number
        self.folder = folder
        self.port, self.controller_port, self.secure_port = ports
        self.process: subprocess.Popen[bytes] | None = None
        self._told = 0  # bytes of the log before the last start

    @property
    def log(self) -> Path:
        return self.folder / "kafka.log"

    @property
    def properties(self) -> Path:
        return self.folder / "server.properties"

    def start(self) -> None:
        self._told = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = start(
                [*JAVA, "-cp", f"{jars()}/*", "kafka.Kafka", str(self.properties)], stdout=log, stderr=log
            )

    def wait(self) -> None:
        """Until it serves, which in a cluster needs most of the nodes. Raises ``RuntimeError``."""
        until = time.monotonic() + START_SECONDS
        while STARTED not in (said := self.log.read_bytes()[self._told :]):
            if self.process is None or self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"Kafka did not start: {said[-2000:].decode(errors='replace')}")
            time.sleep(0.05)

    def end(self, sent: signal.Signals) -> None:
        if self.process is not None:
            end(self.process, sent)
            self.process = None


class Cluster:
    """One Kafka node or three; data stays in ``folder``. Node numbers begin at 0."""

    def __init__(
        self, folder: Path, nodes: int = 1, secure: Secure | None = None, port: int | None = None
    ) -> None:
        ports = free_ports(3 * nodes)
        if port is not None:
            ports[0] = port
        self.secure = secure
        self._nodes = [
            _Node(i, folder / f"node-{i}", (ports[3 * i], ports[3 * i + 1], ports[3 * i + 2]))
            for i in range(nodes)
        ]
        for node in self._nodes:
            self._prepare(node)
        self._format()

    @property
    def servers(self) -> list[str]:
        """host:port of every node, also of those that are down."""
        return [f"127.0.0.1:{node.port}" for node in self._nodes]

    @property
    def secure_servers(self) -> list[str]:
        """The same of the listener with TLS and SASL."""
        return [f"127.0.0.1:{node.secure_port}" for node in self._nodes]

    @property
    def pids(self) -> list[int]:
        """Process numbers of the nodes that run."""
        return [node.process.pid for node in self._nodes if node.process is not None]

    def start(self) -> None:
        """All nodes that are not running; returns when they serve."""
        idle = [node for node in self._nodes if node.process is None]
        for node in idle:
            node.start()
        for node in idle:
            node.wait()

    def stop(self) -> None:
        """All nodes, at once and without farewells: data of a stopped cluster is of no use to a test."""
        for node in self._nodes:
            node.end(signal.SIGKILL)

    def kill(self, node: int = 0) -> None:
        """Kill -9."""
        self._nodes[node].end(signal.SIGKILL)

    def leave(self, node: int = 0) -> None:
        """An orderly end: the node hands its partitions over and writes everything."""
        self._nodes[node].end(signal.SIGTERM)

    def pause(self, node: int = 0) -> None:
        """The node neither answers nor closes its connections."""
        self._running(node).send_signal(signal.SIGSTOP)

    def resume(self, node: int = 0) -> None:
        self._running(node).send_signal(signal.SIGCONT)

    def mend(self) -> None:
        """Every node is up and awake, whatever was done to it."""
        for number, node in enumerate(self._nodes):
            if node.process is not None:
                self.resume(number)
        self.start()

    def restart(self, node: int = 0, *, wait: bool = True) -> None:
        """Kills the node where it still runs and starts it with the same data and ports.

        Without ``wait`` returns at once; with less than most of the nodes up, no node gets ready.
        """
        self._nodes[node].end(signal.SIGKILL)
        self._nodes[node].start()
        if wait:
            self._nodes[node].wait()

    def log(self, node: int = 0) -> Path:
        """What the node says."""
        return self._nodes[node].log

    def data(self, node: int = 0) -> Path:
        """Where the node keeps its topics, a folder for each partition."""
        return self._nodes[node].folder / "data"

    def _running(self, node: int) -> subprocess.Popen[bytes]:
        process = self._nodes[node].process
        assert process is not None, f"node {node} is down"
        return process

    def _prepare(self, node: _Node) -> None:
        node.folder.mkdir(parents=True, exist_ok=True)
        node.properties.write_text("".join(f"{k}={v}\n" for k, v in self._properties(node)))

    def _properties(self, node: _Node) -> Iterator[tuple[str, object]]:
        copies, enough = (3, 2) if len(self._nodes) == 3 else (1, 1)
        listeners = f"PLAINTEXT://127.0.0.1:{node.port}"
        if self.secure:
            listeners += f",SECURE://127.0.0.1:{node.secure_port}"
            yield from _security(self.secure)
        voters = (f"{each.number}@127.0.0.1:{each.controller_port}" for each in self._nodes)
        yield "process.roles", "broker,controller"
        yield "node.id", node.number
        yield "controller.quorum.voters", ",".join(voters)
        yield "listeners", f"{listeners},CONTROLLER://127.0.0.1:{node.controller_port}"
        yield "advertised.listeners", listeners
        yield "controller.listener.names", "CONTROLLER"
        yield (
            "listener.security.protocol.map",
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL",
        )
        yield "log.dirs", node.folder / "data"
        yield "default.replication.factor", copies
        yield "min.insync.replicas", enough
        for topic in ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic"):
            yield f"{topic}.num.partitions", 4
            yield f"{topic}.replication.factor", copies
        yield "transaction.state.log.min.isr", enough
        yield "share.coordinator.state.topic.min.isr", enough
        yield "auto.create.topics.enable", "false"
        yield "group.initial.rebalance.delay.ms", 0
        yield "group.min.session.timeout.ms", 1000
        # A node that comes back is let in when its former self counts as gone.
        yield "broker.session.timeout.ms", 2000 if len(self._nodes) == 1 else 4000
        yield "broker.heartbeat.interval.ms", 400
        yield "num.network.threads", 2
        yield "num.io.threads", 2
        yield "log.cleaner.dedupe.buffer.size", 16 << 20
        # Two indices come with every partition, by default of 10 MB each, and tests read what a node keeps.
        yield "log.index.size.max.bytes", 1 << 20

    def _format(self) -> None:
        """Writes each node's identity, unless it has one already."""
        identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode().replace("-", "A")
        options = []
        if self.secure:
            options = [
                "--add-scram",
                f"SCRAM-SHA-512=[name={self.secure.user},password={self.secure.password}]",
            ]
        tool = ["java", "-Xmx128m", "-cp", f"{jars()}/*", "kafka.tools.StorageTool", "format"]
        new = [node for node in self._nodes if not (node.folder / "data/meta.properties").exists()]
        for node in new:
            command = [*tool, "-t", identity, "-c", str(node.properties), *options]
            subprocess.run(command, check=True, capture_output=True)


def _security(secure: Secure) -> Iterator[tuple[str, object]]:
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    yield "sasl.enabled.mechanisms", "SCRAM-SHA-512"
    yield "listener.name.secure.scram-sha-512.sasl.jaas.config", login
    yield "ssl.keystore.type", "PEM"
    yield "ssl.keystore.location", secure.certificate


def lacks() -> str:
    """Why Kafka cannot be started here; empty where it can."""
    if shutil.which("java") is None:
        return "no Java on this machine: install openjdk-17-jre-headless to test with Kafka"
    if not _cache().is_dir() and shutil.which("mvn") is None:
        return "no Maven on this machine to fetch Kafka with: install the package maven"
    return ""


def jars() -> Path:
    """Folder of Kafka's jars, fetched once per machine. Raises ``RuntimeError``."""
    folder = _cache()
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        fetched = Path(scratch, "jars")
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={fetched}"]
        done = subprocess.run(
            ["mvn", "-q", "-B", "-f", str(POM), *goal], check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"Maven could not fetch Kafka: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        try:
            fetched.rename(folder)
        except OSError:  # another run was faster
            assert folder.is_dir()
    return folder


def _cache() -> Path:
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches, "journalguard", f"kafka-{VERSION}")


def main(folder: Path, port: int) -> None:
    """One node until Ctrl-C; its data is kept."""
    if why := lacks():
        sys.exit(why)
    cluster = Cluster(folder, port=port)
    cluster.start()
    sys.stdout.write(
        f"Kafka {VERSION} at {cluster.servers[0]}, data in {folder}. Ctrl-C ends it.\n"
        f'In site.toml:\n\n[kafka]\nservers = ["{cluster.servers[0]}"]\nreplicas = 1\n'
    )
    sys.stdout.flush()
    try:
        signal.pause()
    except KeyboardInterrupt:
        cluster.leave()


if __name__ == "__main__":
    main(Path(".cache/kafka").resolve(), 9092)

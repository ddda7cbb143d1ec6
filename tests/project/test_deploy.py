"""deploy/compose.yaml: our own commands, official images, keys for the shipper alone, no secret inside."""

import re
import shutil
import subprocess

import click
import pytest

from service.cli import main
from tests.project.repository import ROOT

COMPOSE = ROOT / "deploy/compose.yaml"
TEXT = COMPOSE.read_text("utf-8")
OURS = {"topics", "shipper", "worker-1", "worker-2", "pages"}


def services() -> dict[str, str]:
    """Name -> text of every service."""
    block = re.search(r"^services:\n(.*?)^\w", TEXT, re.MULTILINE | re.DOTALL)
    assert block
    return dict(re.findall(r"^  ([\w-]+):\n((?:    .*\n|\n)+)", block[1], re.MULTILINE))


def test_commands_are_ours_with_options_that_they_have() -> None:
    commands = [call.split(", ") for call in re.findall(r"command: \[(.*)\]", TEXT)]
    assert {command[0] for command in commands} == {"topics", "ship", "worker", "pages"}
    for name, *arguments in commands:
        command = main.get_command(click.Context(main), name)
        assert command is not None, name
        assert arguments[-2:] == ["--site", "/site"]
        assert "--site" in {option for parameter in command.params for option in parameter.opts}


def test_images_are_official_and_of_one_version() -> None:
    assert set(re.findall(r"image: (\S+)", TEXT)) == {"journalguard", "apache/kafka:4.3.1", "postgres:18"}
    assert re.findall(r"^FROM (\S+)", (ROOT / "deploy/Dockerfile").read_text("utf-8"), re.MULTILINE) == [
        "python:3.13-slim"
    ]


def test_kafka_is_that_of_the_tests() -> None:
    assert TEXT.count("4.3.1") == 1
    assert (ROOT / "deploy/kafka/pom.xml").read_text("utf-8").count("<version>4.3.1<") == 2


def test_no_secret_stands_in_it() -> None:
    """A password's variable names a file, and no address holds one."""
    code = "\n".join(line for line in TEXT.splitlines() if not line.startswith("#"))
    assert re.findall(r"(\w*PASSWORD\w*):", code) == ["POSTGRES_PASSWORD_FILE"]
    assert not re.search(r"://[^/\s]*:[^/\s]*@", code)


def test_only_the_shipper_sees_the_keys() -> None:
    assert {name for name, text in services().items() if "}:/site\n" in text} == {"shipper"}


def test_everything_that_stays_up_is_watched() -> None:
    unwatched = {
        name for name, text in services().items() if not re.search(r"healthcheck:|<<: \*worker", text)
    }
    assert unwatched == {"topics"}
    assert {name for name, text in services().items() if "<<: *" in text} == OURS


def test_what_is_waited_for_is_there() -> None:
    assert set(re.findall(r"^      ([\w-]+):\n +condition:", TEXT, re.MULTILINE)) <= set(services())


def test_it_is_yaml() -> None:
    yaml = pytest.importorskip("yaml", reason="no PyYAML here to read deploy/compose.yaml with")
    assert set(yaml.safe_load(TEXT)["services"]) == set(services())


def test_docker_understands_it() -> None:
    docker = shutil.which("docker") or "docker"
    try:
        subprocess.run([docker, "compose", "version"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no docker with its compose plugin here")
    environment = {
        "SITE": "/srv/site",
        "LOGS": "/var/log/ezproxy",
        "OWNER": "10001:10001",
        "PATH": "/usr/bin",
    }
    command = [docker, "compose", "-f", str(COMPOSE), "config", "--quiet"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

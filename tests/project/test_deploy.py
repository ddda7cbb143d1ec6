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
CONTAINERFILE = (ROOT / "deploy/Containerfile").read_text("utf-8")
SITE = "${SITE:?folder of the site}"
OURS = {"topics", "shipper", "worker-1", "worker-2", "pages", "tools"}


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
    assert set(re.findall(r"image: (\S+)", TEXT)) == {
        "journalguard",
        "apache/kafka:4.3.1",
        "postgres:18",
        "prom/prometheus:v3.5.0",
    }
    assert set(re.findall(r"^FROM (\S+)", CONTAINERFILE, re.MULTILINE)) == {"python:3.13-slim"}


def test_kafka_is_that_of_the_tests() -> None:
    assert TEXT.count("4.3.1") == 1
    assert (ROOT / "deploy/kafka/pom.xml").read_text("utf-8").count("<version>4.3.1<") == 2


def test_no_secret_stands_in_it() -> None:
    """A password's variable names a file, and no address holds one."""
    code = "\n".join(line for line in TEXT.splitlines() if not line.startswith("#"))
    assert re.findall(r"(\w*PASSWORD\w*):", code) == ["POSTGRES_PASSWORD_FILE"]
    assert not re.search(r"://[^/\s]*:[^/\s]*@", code)


def test_only_the_shipper_and_the_tools_see_the_keys() -> None:
    assert {name for name, text in services().items() if "}:/site\n" in text} == {"shipper", "tools"}


@pytest.mark.parametrize("name", ["worker-1", "worker-2", "pages"])
def test_the_others_are_given_settings_policy_and_certificates(name: str) -> None:
    """Or they score by another policy than was accepted, without a word."""
    for part in ("site.toml", "policy", "tls"):
        assert f"- {SITE}/{part}:/site/{part}:ro\n" in services()[name]


def test_nothing_can_be_written_but_state() -> None:
    block = re.search(r"^x-journalguard: &journalguard\n((?:  .*\n)+)", TEXT, re.MULTILINE)
    assert block
    for line in ("read_only: true", "tmpfs: [/tmp]", "cap_drop: [ALL]", "no-new-privileges:true"):
        assert line in block[1]


def test_prometheus_reaches_every_process_and_each_is_healthy_by_its_own_numbers() -> None:
    assert "JOURNALGUARD_METRICS_ADDRESS: 0.0.0.0" in TEXT
    assert "ENV JOURNALGUARD_METRICS_PORT=9100" in CONTAINERFILE
    assert "JOURNALGUARD_METRICS_PORT" in re.findall(r"^HEALTHCHECK .*", CONTAINERFILE, re.MULTILINE)[0]
    settings = (ROOT / "deploy/prometheus/containers.yaml").read_text("utf-8")
    scraped = {target.partition(":")[0] for target in re.findall(r'"([\w-]+:9100)"', settings)}
    assert scraped == OURS - {"topics", "tools"}


def test_a_reverse_proxy_is_believed_at_the_networks_gateway_alone() -> None:
    gateway = re.findall(r"gateway: ([\d.]+)", TEXT)
    assert gateway == re.findall(r"JOURNALGUARD_TRUSTED_PROXIES: (\S+)", TEXT)
    assert re.findall(r"ports:\n +- (\S+?):\d+:8321", TEXT) == ["127.0.0.1"]


def test_everything_that_stays_up_is_watched() -> None:
    assert "\nHEALTHCHECK " in CONTAINERFILE
    off = {name for name, text in services().items() if "disable: true" in text}
    assert (
        off == {name for name, text in services().items() if 'restart: "no"' in text} == {"topics", "tools"}
    )
    assert all("healthcheck:" in text for name, text in services().items() if name not in OURS)
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

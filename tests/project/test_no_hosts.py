"""Nothing in the repository names a package registry, a real address, or repeats a real log."""

import gzip
import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project.repository import ROOT, texts, tracked

LOGS = ROOT.parent / "shared" / "data" / "ezproxy"  # beside the checkout, where there is one
# Not a product's version in a user agent, such as Browser/1.2.3.4.
ADDRESS = re.compile(r"(?<![\d.])(?<![A-Za-z]/)(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
# Addresses of nobody: this machine, private use, carrier NAT, documentation, benchmarks, reserved.
NOBODYS = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
            "224.0.0.0/4", "240.0.0.0/4",
        ),
    )
)  # fmt: skip
# Written in parts, so that this file is no exception.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"), ("python" + "hosted", "org"), ("registry", "npm" + "js"),
        ("registry", "yarn" + "pkg"), ("crates", "io"), ("proxy", "golang", "org"), ("sum", "golang", "org"),
        ("repo", "maven"), ("repo1", "maven"), ("maven", "org"), ("ruby" + "gems", "org"),
        ("deb", "debian", "org"), ("ftp", "debian", "org"), ("security", "debian", "org"),
        ("archive", "ubuntu", "com"), ("conda", "anaconda", "org"),
    )
)  # fmt: skip


@pytest.mark.parametrize("host", REGISTRIES)
def test_no_registry_is_named(host: str) -> None:
    assert [name for name, text in texts() if host in text.lower()] == []


def test_the_lock_says_what_but_not_where_from() -> None:
    addresses = re.findall(r'"https?://([^/"]+)', (ROOT / "uv.lock").read_text("utf-8"))
    assert set(addresses) == {"index.invalid"}


def test_addresses_belong_to_nobody() -> None:
    found = {
        (name, text) for name, content in texts() for text in ADDRESS.findall(content) if not _is_free(text)
    }
    assert found == set()


def test_no_line_of_a_real_log_is_in_the_repository() -> None:
    if not LOGS.is_dir():
        pytest.skip("no real logs beside this checkout to compare with")
    real = {line for path in LOGS.iterdir() for line in _long_lines(path)}
    found = {str(path.relative_to(ROOT)) for path in tracked() for line in _long_lines(path) if line in real}
    assert found == set()


def _is_free(text: str) -> bool:
    """Also what is no address after all, such as a version number with a part above 255."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return True
    return any(address in network for network in NOBODYS)


def _long_lines(path: Path) -> Iterator[bytes]:
    """Lines long enough to be a request of somebody."""
    content = path.read_bytes()
    lines = (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines()
    return (line.strip() for line in lines if len(line) >= 40 and b" " in line.strip())

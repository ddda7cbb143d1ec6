"""Code of others that the pages send: it is what its README says, and needs no weaker policy."""

import re
from hashlib import sha256
from pathlib import Path

import alerts_api.web

FOLDER = Path(alerts_api.web.__file__).parent / "static" / "vendor"


def test_each_file_has_the_hash_that_was_noted() -> None:
    noted = re.findall(
        r"^SHA-256 of `(\S+)`:\n\n    ([0-9a-f]{64})$", (FOLDER / "README.md").read_text(), re.M
    )
    assert {name: sha256((FOLDER / name).read_bytes()).hexdigest() for name, _ in noted} == dict(noted)
    assert {path.name for path in FOLDER.glob("*.js")} == {name for name, _ in noted}


def test_nothing_is_evaluated_and_nothing_fetched() -> None:
    for path in FOLDER.glob("*.js"):
        text = path.read_text()
        for word in ("eval(", "new Function", "WebAssembly", "fetch(", "XMLHttpRequest", "http:", "https:"):
            assert word not in text, (path.name, word)


def test_every_package_is_named_with_its_licence() -> None:
    packages = re.findall(r"^\| `([^`]+)` \| [0-9.]+ \| MIT \|$", (FOLDER / "README.md").read_text(), re.M)
    licences = (FOLDER / "LICENSES.txt").read_text()
    assert packages
    assert [name for name in packages if f"--- {name}\n" not in licences] == []

"""Whether the packages that Python finds are journalguard's: two of the names are ordinary words.

Another distribution may bring a `service` or `models` too, and so may the working folder or PYTHONPATH; an
installer overwrites one by the other without a word.
"""

import importlib.util
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

PACKAGES = ("service", "models", "pseudonymiser", "alerts_api")
_MEND = "install journalguard into a virtual environment of its own, and start it there"

Find = Callable[[str], ModuleSpec | None]


def foreign_package(find: Find = importlib.util.find_spec) -> str | None:
    """Tell the operator which of the four packages is not ours, and the mend; ``None`` where all are."""
    home = Path(__file__).parents[2]
    recorded = _recorded()
    for name in PACKAGES:
        spec = find(name)
        if spec is None or spec.origin is None:
            return f"{home / name}: the package is missing or has no __init__.py; {_MEND}"
        path = Path(spec.origin)
        if path.parents[1] != home:
            return f"{path.parent}: is found instead of journalguard's own {home / name}; {_MEND}"
        if recorded.get(f"{name}/__init__.py", _hash(path)) != _hash(path):
            return f"{path}: was overwritten by another package named {name}; {_MEND}"
    return None


def _recorded() -> dict[str, str]:
    """Hashes of our files as the installer wrote them; none of a checkout."""
    try:
        files = distribution("journalguard").files or ()
    except PackageNotFoundError:
        return {}
    return {str(file): file.hash.value for file in files if file.hash is not None}


def _hash(path: Path) -> str:
    return urlsafe_b64encode(sha256(path.read_bytes()).digest()).decode().rstrip("=")

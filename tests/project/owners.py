"""Which installed distributions bring packages of our names.

`service` and `models` are ordinary words, and an installer mixes two packages of one name without a word.
Also a program, for the interpreter of an installed wheel: exit code 1 unless each package is ours alone.
"""

import sys
from importlib.metadata import packages_distributions

PACKAGES = ("service", "models", "pseudonymiser", "alerts_api")
DISTRIBUTION = "journalguard"


def strangers() -> dict[str, list[str]]:
    """Package -> other distributions that bring it too. An editable install is not among the owners."""
    owners = packages_distributions()
    found = {name: sorted(set(owners.get(name, ())) - {DISTRIBUTION}) for name in PACKAGES}
    return {name: others for name, others in found.items() if others}


def main() -> int:
    owners = packages_distributions()
    for name in PACKAGES:
        print(f"{name}: {', '.join(sorted(set(owners.get(name, ['nobody']))))}")  # noqa: T201 - a program's output
    return int(any(set(owners.get(name, ())) != {DISTRIBUTION} for name in PACKAGES))


if __name__ == "__main__":
    sys.exit(main())

"""Where numba keeps the compiled kernels: beside the code if that can be written, else in the site's folder.

An installation of root's and a user without a home leave numba no place of its own, and then it ends with a
traceback. What it keeps are pickles, so a folder that anybody else can write is never taken.
"""

import atexit
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"
ROOMS = ("kernel", "learning")  # of ``service``, whose kernels are kept
IN_SITE = ("cache", "kernels")


def place_kernels(site: Path | None) -> None:
    """Choose the place, before any kernel is imported; ``site`` is the site's folder, if one was named.

    What an installation has compiled already, in a ``NUMBA_CACHE_DIR`` that only root can write, is copied.
    """
    chosen = os.environ.get(VARIABLE)
    if (_writable(Path(chosen)) if chosen else _beside_the_code()) or "numba" in sys.modules:
        return
    place = (site and _in_site(site)) or _temporary()
    if chosen and Path(chosen).is_dir():
        shutil.copytree(chosen, place, dirs_exist_ok=True)
    os.environ[VARIABLE] = str(place)


def site_named(arguments: Sequence[str]) -> Path | None:
    """The folder that a call's arguments name by ``--site``.

    >>> site_named(["run", "--site", "/srv/jg"]), site_named(["run", "--site=jg"]), site_named(["demo"])
    (PosixPath('/srv/jg'), PosixPath('jg'), None)
    """
    for number, argument in enumerate(arguments):
        if argument.startswith("--site="):
            return Path(argument.removeprefix("--site="))
        if argument == "--site" and number + 1 < len(arguments):
            return Path(arguments[number + 1])
    return None


def _beside_the_code() -> bool:
    rooms = [Path(__file__).parents[1] / room for room in ROOMS]
    return all(_writable(room / "__pycache__") for room in rooms)


def _writable(folder: Path) -> bool:
    """Whether it can be written, or made."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _in_site(site: Path) -> Path | None:
    """A folder in the site's that this user alone can write."""
    place = site.absolute()
    try:
        if not _is_safe(place.stat()):
            return None
        for name in IN_SITE:
            place /= name
            place.mkdir(mode=0o700, exist_ok=True)
            if not _is_own(place.lstat()):
                return None
    except OSError:
        return None
    return place if _writable(place) else None


def _is_safe(found: os.stat_result) -> bool:
    """Whether nobody but this user and root can put something else in the place of what is in a folder."""
    others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX
    return found.st_uid in (0, os.geteuid()) and not others


def _is_own(found: os.stat_result) -> bool:
    others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not others


def _temporary() -> Path:
    """One for this process alone, gone with it: the next compiles anew."""
    place = Path(tempfile.mkdtemp(prefix="journalguard-kernels-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


def compile_all() -> None:
    """Compile every kernel that is kept, as the image does when it is built."""
    from service.pipeline.warm_up import compile_kernels  # noqa: PLC0415 - as late as the kernels themselves
    from service.policy.loading import load_policy  # noqa: PLC0415

    compile_kernels(load_policy(None, alerts_per_day=3.0))


if __name__ == "__main__":
    compile_all()

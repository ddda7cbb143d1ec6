"""Builds what a Containerfile describes and runs it, where no engine is: each line in a root of its own.

A root is this machine's own, read through an overlay, with this Python in ``/usr/local`` as in the official
image. So ``FROM`` is not what it says, and everything after it is.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from tests.project.repository import ROOT

_ENTER = """
set -e
mkdir -p "$1/changes" "$1/work" "$1/root"
mount -t overlay overlay -o lowerdir=/,upperdir="$1/changes",workdir="$1/work" "$1/root"
mount --rbind /proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mkdir -p "$1/root/usr/local"
mount --bind "$2" "$1/root/usr/local"
"""
_READ_ONLY = """
mount -o remount,ro "$1/root"
mount -t tmpfs -o mode=1777 tmpfs "$1/root/tmp"
mount --bind "$3" "$1/root/site"
"""
_EXEC = """
shift 3
exec chroot "$@"
"""


class Image(msgspec.Struct):
    """One stage: the folder of its changes, and what it says beside them."""

    folder: Path
    environment: dict[str, str] = {}
    user: str = "0:0"
    entrypoint: list[str] = []
    health: list[str] = []

    def run(
        self, command: Sequence[str], *, site: Path | None = None, more: Mapping[str, str] | None = None
    ) -> list[str]:
        """The command line that runs something in it.

        Args:
            site: the volume at ``/site``; then it runs as a container does, as the image's user with nothing
                else that it could write but ``/tmp``. ``None``: as root, as it is built.
            more: further variables of the environment.
        """
        values = {**self.environment, **(more or {})}
        inside = ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in values.items())]
        if site is not None:
            user, _, group = self.user.partition(":")
            rights = [f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs"]
            inside = ["/usr/bin/setpriv", *rights, *inside]
        script = _ENTER + (_READ_ONLY if site is not None else "") + _EXEC
        places = [str(self.folder), sys.base_prefix, str(site or "/")]
        root = str(self.folder / "root")
        return ["unshare", "--mount", "sh", "-c", script, "sh", *places, root, *inside, *command]


def lacks() -> str:
    """Why this machine may not build one, empty for nothing."""
    if os.geteuid() != 0:
        return "only root can make a root of an image"
    return "" if shutil.which("setpriv") else "setpriv is not here (on Debian: apt-get install util-linux)"


def instructions(text: str) -> list[tuple[str, str]]:
    """Word and rest of every instruction of a Containerfile."""
    lines = "".join(f"{line}\n" for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines)
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def build(file: Path, folder: Path, base: Mapping[str, str]) -> Image:
    """Execute all lines, one by one, and give the last stage. Raises ``AssertionError`` at one that fails.

    Args:
        folder: empty, for the stages.
        base: environment of the base image.
    """
    stages: dict[str, Image] = {}
    image = Image(folder)
    for number, (word, rest) in enumerate(instructions(file.read_text("utf-8"))):
        if word == "FROM":
            name = rest.partition(" AS ")[2] or "last"
            image = stages[name] = Image(folder / f"{number}-{name}", dict(base))
            (image.folder / "changes").mkdir(parents=True)
        else:
            _execute(word, rest, image, stages)
    return image


def _execute(word: str, rest: str, image: Image, stages: Mapping[str, Image]) -> None:
    if word == "COPY":
        _copy(image, rest.split(), stages)
    elif word == "RUN":
        command = image.run(["/bin/sh", "-c", rest])
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"RUN {rest}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    elif word == "ENV":
        name, _, value = rest.partition("=")
        image.environment[name] = value
    elif word == "USER":
        image.user = rest
    elif word == "ENTRYPOINT":
        image.entrypoint = json.loads(rest)
    elif word == "HEALTHCHECK":
        image.health = json.loads(rest.partition(" CMD ")[2])
    else:
        assert word in {"VOLUME", "CMD"}, f"{word}: not understood here"


def _copy(image: Image, words: list[str], stages: Mapping[str, Image]) -> None:
    """From the checkout, or from another stage."""
    other = words.pop(0).partition("=")[2] if words[0].startswith("--from=") else ""
    *sources, target = words
    into = image.folder / "changes" / target.lstrip("/")
    if other:
        shutil.copytree(stages[other].folder / "changes" / sources[0].lstrip("/"), into, symlinks=True)
        return
    into.mkdir(parents=True)
    for source in sources:
        found = list(ROOT.glob(source))
        assert found, f"COPY {source}: is not there"
        for path in found:
            shutil.copy(path, into)

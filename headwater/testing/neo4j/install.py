"""Installs the Community server's jars into a cache, with Maven. ``server.py`` starts it."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

_POM = Path(__file__).with_name("pom.xml")
_MAVEN_SECONDS = 900
_LOG = logging.getLogger(__name__)


class InstallError(Exception):
    """The server cannot be installed here; the message says what is missing."""


def missing_tool() -> str | None:
    """Say which program is missing to install (where it is not yet) and run a server, or None."""
    for program in ("java",) if _target().is_dir() else ("java", "mvn"):
        if shutil.which(program) is None:
            return f"{program!r} is not installed"
    return None


def cache() -> Path:
    """The folder for downloads: ``$HEADWATER_CACHE``, or the user's cache folder."""
    named = os.environ.get("HEADWATER_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "headwater"


def version() -> str:
    """The server's version, as the pom has it."""
    # The pom is a file of this package, so nobody else's XML is parsed.
    found = ElementTree.parse(_POM).find(".//{*}neo4j.version")  # noqa: S314
    if found is None or not found.text:
        raise InstallError(f"{_POM} has no property neo4j.version")
    return found.text


def install() -> Path:
    """Return the folder with the server's jars; download them when they are not there yet.

    Several processes may ask at once: one downloads, the others wait for it. A download that breaks
    off leaves nothing behind.

    Raises:
        InstallError: Java or Maven is missing, or Maven failed.
    """
    if missing := missing_tool():
        raise InstallError(f"Neo4j cannot run here: {missing}")
    target = _target()
    if target.is_dir():
        return target
    cache().mkdir(parents=True, exist_ok=True)
    with locked(cache() / f"{target.name}.lock"):
        if not target.is_dir():
            _LOG.info("Fetching Neo4j %s into %s, once", version(), target)
            _download(target)
    return target


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes while the block runs; a dead holder frees it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _target() -> Path:
    return cache() / f"neo4j-{version()}"


def _download(target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f"{target.name}-") as folder:
        jars = Path(folder) / "lib"
        # A copy, because Maven may write beside the pom, and the package may be read-only.
        pom = shutil.copy(_POM, folder)
        command = ["mvn", "--batch-mode", "--quiet", "--file", str(pom)]
        command += ["dependency:copy-dependencies", "-DincludeScope=runtime"]
        command += [f"-DoutputDirectory={jars}"]
        try:
            done = subprocess.run(  # noqa: S603  # nothing in the command is a user's text
                command, capture_output=True, text=True, timeout=_MAVEN_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise InstallError(f"Maven took more than {_MAVEN_SECONDS} s") from None
        if done.returncode:
            raise InstallError(
                f"Maven could not fetch Neo4j:\n{(done.stdout + done.stderr)[-2000:]}"
            )
        jars.rename(target)

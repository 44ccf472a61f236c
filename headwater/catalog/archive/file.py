"""The archive as a file: a manifest, the rows, a trailer; written whole or not at all.

NDJSON, packed with gzip where the name ends in ``.gz``. Equal catalogs make equal files: keys are
sorted, rows come in the order of the port, and nothing tells when, where or from which engine a
file was made.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pydantic_core

from headwater.catalog.archive.row import SECTIONS, decode, encode, fault_of
from headwater.errors import InvalidInputError
from headwater.store.base import Row, Section
from headwater.version import __version__

FORMAT = 1
"""Counts the releases of the format; older ones stay readable."""

LEFT_OUT = ("token",)
"""Types of entries that no file holds. That sign-in is on stays, so that a copy is closed, too."""

Counts = dict[Section, int]
Watch = Callable[[str], None]
"""Told of each row as it goes by, with what is done to it: a section's name, or ``check``."""

_MARK = "headwater"
_GZIP = b"\x1f\x8b"
_LEVEL = 6


def unwatched(_: str) -> None:
    """What watches when nobody does."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive is of.

    Attributes:
        seq: The commit after which the rows were so.
        root: ``id``, ``kind`` and ``fullyQualifiedName`` of the entity that a part is of; None for
            a whole catalog.
        headwater: The release that wrote it.
    """

    seq: int
    root: Mapping[str, str] | None = None
    headwater: str = __version__

    def to_line(self) -> dict[str, Any]:
        """The first line of the file."""
        return {
            "archive": _MARK,
            "format": FORMAT,
            "headwater": self.headwater,
            "leftOut": LEFT_OUT,
            "root": self.root,
            "seq": self.seq,
        }


def write_archive(
    file: Path,
    manifest: Manifest,
    rows: Iterable[tuple[Section, Row]],
    *,
    replace: bool = False,
    watch: Watch = unwatched,
) -> Counts:
    """Write an archive; the name is taken only when all of it is on disk.

    Args:
        replace: Take the name even from a file that is there.

    Returns:
        How many rows of each section it has.

    Raises:
        InvalidInputError: The name does not end in .ndjson or .ndjson.gz, it is taken, or the file
            cannot be written.
    """
    if not file.name.endswith((".ndjson", ".ndjson.gz")):
        raise InvalidInputError(f"{file}: an archive's name ends in .ndjson.gz or .ndjson")
    if not replace and file.exists():
        raise InvalidInputError(f"{file} is there already; name another file")
    counts: Counts = dict.fromkeys(SECTIONS, 0)
    digest = hashlib.sha256()
    with _taking_name(file) as raw, _packed(raw, file) as out:

        def put(line: Mapping[str, Any]) -> None:
            text = json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            packed = text.encode() + b"\n"
            digest.update(packed)
            out.write(packed)

        put(manifest.to_line())
        for section, row in rows:
            put(encode(section, row))
            counts[section] += 1
            watch(section)
        put({"counts": counts, "sha256": digest.hexdigest()})
    return counts


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that was found whole.

    Attributes:
        counts: How many rows each section has.
    """

    manifest: Manifest
    counts: Mapping[Section, int]
    _file: IO[bytes]
    _path: Path

    def rows(self, *, watch: Watch = unwatched) -> Iterator[Row]:
        """Yield every row, in the order of ``Section``."""
        lines = _lines(self._file, self._path)
        next(lines)
        for _ in range(sum(self.counts.values())):
            line = _parsed(next(lines), self._path)
            watch(line["section"])
            yield decode(line)


@contextmanager
def open_archive(file: Path, *, watch: Watch = unwatched) -> Iterator[Archive]:
    """Open an archive, after reading it once to see that it is whole.

    Raises:
        InvalidInputError: It cannot be read, is no archive, is cut off or damaged, a newer
            release wrote it, or a row is none that a store could have.
    """
    try:
        raw = file.open("rb")
    except OSError as error:
        raise InvalidInputError(f"cannot read {file}: {error.strerror}") from error
    with raw:
        yield _checked(raw, file, watch)


def _checked(raw: IO[bytes], path: Path, watch: Watch) -> Archive:
    lines = _lines(raw, path)
    first = next(lines, b"")
    manifest = _manifest(first, path)
    counts: Counts = dict.fromkeys(SECTIONS, 0)
    digest = hashlib.sha256(first)
    section: Section = "commits"
    fault = ""
    for number, line in enumerate(lines, 2):
        fields = _parsed(line, path)
        if "sha256" in fields:
            said = fields.get("counts"), fields["sha256"]
            if said != (counts, digest.hexdigest()) or next(lines, None) is not None:
                break
            if fault:
                raise InvalidInputError(f"{path}, {fault}; {_NOTHING}")
            return Archive(manifest, counts, raw, path)
        digest.update(line)
        before, section = section, fields.get("section", "")
        if section not in counts or SECTIONS.index(section) < SECTIONS.index(before):
            break
        counts[section] += 1
        wrong = None if fault else fault_of(fields)
        if wrong:  # told only if the file is as its writer left it
            fault = f"line {number} ({section}): {wrong}"
        watch("check")
    else:
        raise InvalidInputError(f"{path} is cut off: its last line is not the trailer; {_NOTHING}")
    raise InvalidInputError(f"{path} is damaged: it is not what was written; {_NOTHING}")


_NOTHING = "nothing was imported"


def _manifest(line: bytes, path: Path) -> Manifest:
    try:
        found = pydantic_core.from_json(line)
        is_ours = found["archive"] == _MARK
        number, manifest = (
            found["format"],
            Manifest(found["seq"], found["root"], found["headwater"]),
        )
        is_newer = number > FORMAT
    except (ValueError, TypeError, KeyError):
        is_ours = False
    if not is_ours:
        raise InvalidInputError(f"{path} is not an archive of Headwater")
    if is_newer:
        raise InvalidInputError(
            f"{path} has format {number}, written by Headwater {manifest.headwater}; this"
            f" release reads formats up to {FORMAT}: upgrade Headwater"
        )
    return manifest


def _parsed(line: bytes, path: Path) -> dict[str, Any]:
    try:
        fields = pydantic_core.from_json(line)
    except ValueError as error:  # a line that ends early, most likely
        raise InvalidInputError(f"{path} is cut off or damaged; {_NOTHING}") from error
    return fields if isinstance(fields, dict) else {}


def _lines(raw: IO[bytes], path: Path) -> Iterator[bytes]:
    raw.seek(0)
    packed = raw.read(len(_GZIP)) == _GZIP
    raw.seek(0)
    source: IO[bytes] = gzip.GzipFile(fileobj=raw, mode="rb") if packed else raw  # type: ignore[assignment]  # typeshed's GzipFile is no IO
    try:
        yield from source
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidInputError(f"{path} is cut off or damaged; {_NOTHING}") from error
    except OSError as error:
        raise InvalidInputError(f"cannot read {path}: {error.strerror}") from error


@contextmanager
def _taking_name(file: Path) -> Iterator[IO[bytes]]:
    """A file without a name of its own, until the block has ended and all of it is on disk."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        try:
            with draft.open("wb") as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            draft.replace(file)
            _sync_folder(file.parent)
        except OSError as error:
            raise InvalidInputError(f"cannot write {file}: {error.strerror}") from error
    finally:
        with suppress(OSError):  # it has the name now, or never came to be
            draft.unlink()


def _sync_folder(folder: Path) -> None:
    """Make a new name durable, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _packed(raw: IO[bytes], file: Path) -> Iterator[Any]:
    if file.name.endswith(".gz"):
        # Neither a time nor a name: equal rows make equal files.
        with gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as out:
            yield out
    else:
        yield raw

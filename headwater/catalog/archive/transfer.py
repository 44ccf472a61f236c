"""Export, import and copy: the archive's parts put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from headwater.catalog.archive.branch import branch_rows
from headwater.catalog.archive.content import map_known, read_content
from headwater.catalog.archive.file import (
    LEFT_OUT,
    Archive,
    Counts,
    Manifest,
    Watch,
    open_archive,
    unwatched,
    write_archive,
)
from headwater.catalog.archive.merge import Merged, merge_content
from headwater.catalog.archive.row import SECTIONS
from headwater.catalog.archive.snapshot import rows_as_of
from headwater.errors import ConflictError, NotFoundError, StaleWriteError
from headwater.store.base import Key, Row, StateRow, Store
from headwater.store.draft import kind_of

T = TypeVar("T")
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote: the rows of each section, as of a commit."""

    seq: int
    counts: Counts


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Attributes:
        counts: The rows that the archive has, by section.
        merged: What became of its entities; None when all of it went into an empty store.
    """

    counts: Counts
    merged: Merged | None


def export_catalog(
    store: Store,
    file: Path,
    *,
    root: Key | None = None,
    replace: bool = False,
    watch: Watch = unwatched,
) -> Exported:
    """Write a catalog to an archive, as it is now; writers may go on.

    Tokens stay out.

    Args:
        root: The entity of which, with everything below it, the archive is to be: a branch (see
            ``archive.branch``).
        replace: Take the name even from a file that is there.

    Raises:
        NotFoundError: The root is not there.
        InvalidInputError: The file cannot be written, or is there already.
        StaleWriteError: Entities were erased or renamed again and again meanwhile.
    """

    def attempt() -> Exported:
        seq = store.sequence()
        if root is None:
            manifest, rows = Manifest(seq), rows_as_of(store, seq, left_out=LEFT_OUT)
        else:
            record = store.find(root, as_of=seq)
            if record is None:
                what = root if isinstance(root, str) else f"{root[0]} {root[1]!r}"
                raise NotFoundError(f"there is no {what} to export")
            about = {"id": record.id, "kind": record.kind, "fullyQualifiedName": record.fqn}
            manifest = Manifest(seq, about)
            rows = branch_rows(store, seq, record, left_out=LEFT_OUT)
        return Exported(seq, write_archive(file, manifest, rows, replace=replace, watch=watch))

    return _until_unmoved(attempt)


def _until_unmoved(attempt: Callable[[], T]) -> T:
    """Read a store as of a commit, from the start again when that commit's past was changed."""
    for _ in range(_TRIES - 1):
        with suppress(StaleWriteError):
            return attempt()
    return attempt()


def import_catalog(
    store: Store, file: Path, *, merge: bool = False, watch: Watch = unwatched
) -> Imported:
    """Read a file into a store, as ``import_archive`` does.

    Raises:
        InvalidInputError: The archive is damaged, cut off, or of a newer release; or as there.
        ConflictError: As there.
    """
    with open_archive(file, watch=watch) as archive:
        return import_archive(store, archive, merge=merge, watch=watch)


def import_archive(
    store: Store, archive: Archive, *, merge: bool = False, watch: Watch = unwatched
) -> Imported:
    """Read an archive into a store, all of it or nothing.

    A whole catalog goes into an empty store as it was, with its sequences. Into a store that holds
    something, and whenever it is a branch, it is merged (see ``archive.merge``).

    Args:
        merge: The store may hold something.

    Raises:
        InvalidInputError: It has entities of a kind that no schema describes.
        ConflictError: The store holds something and ``merge`` is not set, or what is there
            clashes with the archive.
    """
    counts = dict(archive.counts)
    filled = store.sequence() > 0
    if filled and not merge:
        raise ConflictError(
            "the store holds something already: import into a new one, or merge with --merge"
        )
    if not filled and archive.manifest.root is None:
        store.load(_of_known_kinds(archive.rows(watch=watch)))
        return Imported(counts, None)
    return Imported(counts, _merge(store, archive, watch))


def _merge(store: Store, archive: Archive, watch: Watch) -> Merged:
    root = archive.manifest.root
    rows = _of_known_kinds(archive.rows(watch=watch))
    content = read_content(rows, root_id=root["id"] if root else None)
    map_known(store, content)
    return merge_content(store, content)


def copy_catalog(source: Store, target: Store, *, watch: Watch = unwatched) -> Counts:
    """Copy a whole catalog into an empty store, tokens too; writers of the source may go on.

    Raises:
        InvalidInputError: An entity is of a kind that no schema describes.
        ConflictError: The target holds something.
        StaleWriteError: Entities were erased or renamed again and again meanwhile.
    """
    if target.sequence() > 0:
        raise ConflictError("the target holds something already; copy into a new store")

    def attempt() -> Counts:
        counts: Counts = dict.fromkeys(SECTIONS, 0)

        def counted() -> Iterator[Row]:
            for section, row in rows_as_of(source, source.sequence()):
                counts[section] += 1
                watch(section)
                yield row

        target.load(_of_known_kinds(counted()))
        return counts

    return _until_unmoved(attempt)


def _of_known_kinds(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows, as long as a schema describes each entity: without one, none would be found.

    Raises:
        InvalidInputError: There is no schema of an entity's kind.
    """
    for row in rows:
        if isinstance(row, StateRow) and row.references is not None:
            kind_of(row.record)
        yield row

"""The archive as a file: whole or refused, the same for the same catalog."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.catalog import CatalogService
from headwater.catalog.archive import export_catalog, import_catalog
from headwater.catalog.archive.file import Manifest, write_archive
from headwater.errors import InvalidInputError, StoreError
from headwater.store import Store, open_store
from headwater.store.base import Row, Section
from headwater.store.row import Commit
from tests.services.lively import live

TABLE = ("states", "table")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("archive") / "all.ndjson"
    store = open_store("sqlite://")
    live(store)
    export_catalog(store, file)
    store.close()
    return file


@pytest.fixture
def empty() -> Iterator[Store]:
    store = open_store("sqlite://")
    yield store
    store.close()


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def refuses(store: Store, file: Path, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words) as caught:
        import_catalog(store, file)
    assert str(file) in caught.value.message
    assert store.sequence() == 0


def edited(archive: Path, tmp_path: Path, which: int, **changes: Any) -> tuple[Path, int]:
    """The archive with changes to its nth table, its checksum made anew; and that row's line."""
    lines = archive.read_bytes().splitlines(keepends=True)[:-1]
    trailer = json.loads(archive.read_bytes().splitlines()[-1])
    rows = [json.loads(line) for line in lines]
    at = [n for n, row in enumerate(rows) if (row.get("section"), row.get("kind")) == TABLE][which]
    row = rows[at]
    document = json.loads(row["document"]) | changes.pop("within", {})
    row |= {"document": json.dumps(document, separators=(",", ":")), **changes}
    row = {name: value for name, value in row.items() if value is not ...}
    lines[at] = json.dumps(row).encode() + b"\n"
    trailer["sha256"] = hashlib.sha256(b"".join(lines)).hexdigest()
    file = tmp_path / "edited.ndjson"
    file.write_bytes(b"".join(lines) + json.dumps(trailer).encode() + b"\n")
    return file, at + 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"document": '{"name": '}, "no JSON"),
        ({"document": '{"name": NaN}'}, "no JSON"),
        ({"document": "[]"}, "no object"),
        ({"origins": "{"}, "no JSON"),
        ({"within": {"id": "another"}}, "'another' as its id"),
        ({"within": {"fullyQualifiedName": "a.b.c.d"}}, "'a.b.c.d' as its fullyQualifiedName"),
        ({"id": "another"}, "the row 'another'"),
        ({"fqn": "another"}, "the row 'another'"),
        ({"kind": "database"}, "below another service"),
        ({"parentId": "another"}, "below another databaseSchema"),
        ({"fqn": ...}, "no row of this section .'fqn'"),
    ],
)
def test_a_row_that_was_edited_is_refused_with_its_line(
    archive: Path, store: Store, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    file, line = edited(archive, tmp_path, -1, **changes)
    refuses(store, file, rf"line {line} \(states\): .*{words}.*; nothing was imported")
    if "document" in changes:
        file, line = edited(archive, tmp_path, 0, **changes)
        refuses(store, file, rf"line {line} \(states\)")
    import_catalog(store, edited(archive, tmp_path, -1)[0])


def test_a_merge_refuses_a_row_that_was_edited(
    archive: Path, store: Store, catalog: CatalogService, tmp_path: Path
) -> None:
    before = store.sequence()
    file, line = edited(archive, tmp_path, -1, document="?")
    with pytest.raises(InvalidInputError, match=f"line {line}"):
        import_catalog(store, file, merge=True)
    assert store.sequence() == before


def test_first_line_says_what_it_is_and_the_last_what_it_holds(archive: Path) -> None:
    first, *rows, last = lines_of(archive)
    assert first["archive"] == "headwater"
    assert (first["format"], first["root"], first["leftOut"]) == (1, None, ["token"])
    assert first["seq"] == max(row["seq"] for row in rows if row["section"] == "commits")
    counted: dict[str, int] = {}
    for row in rows:
        counted[row["section"]] = counted.get(row["section"], 0) + 1
    assert last["counts"] == counted
    assert list(counted) == ["commits", "states", "parts", "edges", "entries", "events"]


def test_rows_spell_what_a_store_keeps(archive: Path) -> None:
    rows = {row["section"]: row for row in lines_of(archive)[1:-1]}
    assert set(rows["states"]) >= {"id", "kind", "fqn", "document", "origins", "references", "rev"}
    assert set(rows["edges"]) >= {"fromId", "toId", "level", "producer", "openedSeq", "closedSeq"}
    assert set(rows["events"]) >= {"number", "type", "entityId", "payload", "at", "actor"}


def test_no_token_is_in_it_and_sign_in_stays_on(archive: Path) -> None:
    types = [row["type"] for row in lines_of(archive)[1:-1] if row["section"] == "entries"]
    assert "signIn" in types
    assert "token" not in types
    assert '"hash' not in archive.read_text(encoding="utf-8").replace("\\", "")


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_archive_that_is_cut_off_anywhere_is_refused(
    archive: Path, empty: Store, tmp_path: Path, packed: bool
) -> None:
    content = archive.read_bytes()
    content = gzip.compress(content, mtime=0) if packed else content
    whole = tmp_path / "whole.ndjson.gz"
    cuts = [0, 1, 2, 9, *range(20, len(content) - 1, len(content) // 40), len(content) - 2]
    for cut in cuts:
        whole.write_bytes(content[:cut])
        refuses(empty, whole, "cut off|damaged|not an archive")
    whole.write_bytes(content)
    import_catalog(empty, whole)
    assert empty.sequence() > 0


def test_archive_that_lost_lines_is_refused(archive: Path, empty: Store, tmp_path: Path) -> None:
    lines = archive.read_bytes().splitlines(keepends=True)
    file = tmp_path / "damaged.ndjson"
    file.write_bytes(b"".join(lines[:-1]))
    refuses(empty, file, "cut off: its last line is not the trailer")
    file.write_bytes(b"".join([*lines[:7], *lines[8:]]))
    refuses(empty, file, "damaged")
    file.write_bytes(b"".join([*lines, lines[-2]]))
    refuses(empty, file, "damaged")
    file.write_bytes(b"".join([lines[0], lines[-2], *lines[1:]]))
    refuses(empty, file, "damaged")


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_changed_byte_is_found(archive: Path, empty: Store, tmp_path: Path, packed: bool) -> None:
    content = archive.read_bytes()
    content = gzip.compress(content, mtime=0) if packed else content
    file = tmp_path / "changed.ndjson"
    for at in range(15, len(content), len(content) // 30):
        changed = bytearray(content)
        changed[at] ^= 0b0000_0010
        file.write_bytes(changed)
        refuses(empty, file, "damaged|cut off|not an archive|format")


def test_edited_text_is_found(archive: Path, empty: Store, tmp_path: Path) -> None:
    file = tmp_path / "edited.ndjson"
    text = archive.read_text(encoding="utf-8")
    file.write_text(text.replace("What a person wrote", "What a person wished"), encoding="utf-8")
    refuses(empty, file, "damaged: it is not what was written; nothing was imported")


def test_newer_format_is_refused(archive: Path, empty: Store, tmp_path: Path) -> None:
    file = tmp_path / "newer.ndjson"
    text = archive.read_text(encoding="utf-8")
    file.write_text(text.replace('"format":1', '"format":2'), encoding="utf-8")
    refuses(empty, file, "format 2, written by Headwater .* upgrade")


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"hello\n", b"[]\n", b"{}\n", b"\x1f\x8b", b"\xff\xfe\n"),
        *(b'{"archive":"headwater"}\n', b'{"archive":"headwater","format":"1"}\n'),
    ],
)
def test_other_files_are_no_archives(empty: Store, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "other.ndjson"
    file.write_bytes(content)
    refuses(empty, file, "not an archive|cut off or damaged")


def test_missing_file_is_named(empty: Store, tmp_path: Path) -> None:
    refuses(empty, tmp_path / "nowhere.ndjson", "cannot read .*No such file")


def test_equal_catalogs_make_equal_files(archive: Path, empty: Store, tmp_path: Path) -> None:
    import_catalog(empty, archive)
    plain, packed = tmp_path / "again.ndjson", tmp_path / "again.ndjson.gz"
    export_catalog(empty, plain)
    assert plain.read_bytes() == archive.read_bytes()
    export_catalog(empty, packed)
    before = packed.read_bytes()
    export_catalog(empty, packed, replace=True)
    assert packed.read_bytes() == before
    assert gzip.decompress(before) == plain.read_bytes()
    assert len(before) < plain.stat().st_size / 3


@pytest.mark.parametrize("name", ["catalog.zip", "catalog", "catalog.json", "headwater.db"])
def test_name_says_that_it_is_an_archive(empty: Store, tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInputError, match=r"ends in \.ndjson\.gz or \.ndjson"):
        export_catalog(empty, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_file_that_is_there_is_replaced_only_when_asked(empty: Store, tmp_path: Path) -> None:
    file = tmp_path / "a.ndjson"
    file.write_text("mine")
    with pytest.raises(InvalidInputError, match="is there already"):
        export_catalog(empty, file)
    assert file.read_text() == "mine"
    export_catalog(empty, file, replace=True)
    assert file.read_text() != "mine"


def test_file_that_cannot_be_written_is_named(empty: Store, tmp_path: Path) -> None:
    for file in (tmp_path / "no folder" / "a.ndjson", Path("/dev/null/a.ndjson")):
        with pytest.raises(InvalidInputError, match="cannot write"):
            export_catalog(empty, file)


def test_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def rows() -> Iterator[tuple[Section, Row]]:
        yield "commits", Commit(1, 1, "ada", "person", None)
        raise StoreError("gone")

    file = tmp_path / "a.ndjson.gz"
    file.write_text("before")
    with pytest.raises(StoreError, match="gone"):
        write_archive(file, Manifest(1), rows(), replace=True)
    assert [each.name for each in tmp_path.iterdir()] == ["a.ndjson.gz"]
    assert file.read_text() == "before"

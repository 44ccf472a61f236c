"""A store keeps content once, whole, where its URL says, and answers nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from headwater import InvalidInputError, NotFoundError, NotInstalledError, StoreError
from headwater.tracking import ArtifactStore, StoredArtifact, open_artifact_store
from headwater.tracking.artifact_store import VARIABLE


def files(store: ArtifactStore) -> list[Path]:
    root = Path(store.url.removeprefix("file://"))
    return sorted(path for path in root.rglob("*") if path.is_file())


def load(store: ArtifactStore, stored: StoredArtifact, **options: Any) -> Any:
    kept = {"data_type": stored.data_type, "media_type": stored.media_type, "hash": stored.hash}
    return store.load(stored.uri, **{**kept, **options})


@pytest.fixture(params=["file", "memory"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    url = str(tmp_path) if request.param == "file" else f"memory://{uuid4().hex}"
    return ArtifactStore(url)


def test_a_value_comes_back_from_where_it_was_put(any_store: ArtifactStore) -> None:
    stored = any_store.put({"accuracy": 0.5}, name="scores")
    assert load(any_store, stored) == {"accuracy": 0.5}
    assert (stored.size, stored.data_type, stored.media_type) == (
        len('{"accuracy": 0.5}'),
        "json",
        "application/json",
    )
    assert stored.uri.startswith(any_store.url)


def test_the_same_content_is_stored_once(store: ArtifactStore) -> None:
    first = store.put("same", name="a")
    written = files(store)[0].stat().st_mtime_ns
    second = store.put("same", name="b")
    assert first == second
    assert [path.stat().st_mtime_ns for path in files(store)] == [written]


def test_any_store_loads_what_lies_in_another(store: ArtifactStore) -> None:
    other = ArtifactStore(f"memory://{uuid4().hex}")
    assert load(store, other.put([1, 2], name="list")) == [1, 2]


def test_a_local_file_is_named_absolutely_whatever_its_folder_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = ArtifactStore("my models/50%")
    stored = store.put("text", name="note")
    assert stored.uri.startswith((tmp_path / "my models").as_uri())
    monkeypatch.chdir("/")
    assert load(store, stored) == "text"


def test_the_environment_says_where_artifacts_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    assert open_artifact_store().url == (tmp_path / ".headwater/artifacts").as_uri()
    monkeypatch.setenv(VARIABLE, "memory://somewhere")
    assert open_artifact_store().url == "memory:///somewhere"
    assert open_artifact_store(str(tmp_path)).url == tmp_path.as_uri()


def test_content_that_was_changed_is_refused(store: ArtifactStore) -> None:
    stored = store.put("what was written", name="note")
    files(store)[0].write_text("what is forged!!")
    with pytest.raises(StoreError, match="is not what was written"):
        load(store, stored)
    with pytest.raises(StoreError, match="is not what was written"):
        load(store, stored, hash=None)  # its name has the hash, too


def test_content_that_was_cut_off_is_written_again(store: ArtifactStore) -> None:
    stored = store.put("what was written", name="note")
    files(store)[0].write_text("what")
    assert load(store, store.put("what was written", name="note")) == "what was written"
    assert load(store, stored) == "what was written"


def test_content_elsewhere_is_held_to_the_given_hash(store: ArtifactStore, tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_text("by hand")
    kept: dict[str, Any] = {"data_type": "text", "media_type": "text/plain"}
    assert store.load(file.as_uri(), **kept) == "by hand"
    with pytest.raises(StoreError, match="sha256:0000"):
        store.load(file.as_uri(), hash="sha256:0000", **kept)


def test_what_is_not_there_is_named(store: ArtifactStore, tmp_path: Path) -> None:
    stored = store.put("gone", name="note")
    files(store)[0].unlink()
    with pytest.raises(NotFoundError, match=stored.uri):
        load(store, stored)


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    store = ArtifactStore(str(tmp_path / "file" / "artifacts"))
    with pytest.raises(
        StoreError, match=r"scores cannot be written to file://.*: .*Not a directory"
    ):
        store.put({}, name="scores")


def test_places_that_are_none_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="nonsense"):
        ArtifactStore("nonsense://bucket")
    with pytest.raises(InvalidInputError, match="chains"):
        ArtifactStore("simplecache::memory://bucket")
    with pytest.raises(NotInstalledError, match="s3fs"):
        ArtifactStore("s3://bucket")


def test_without_fsspec_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(NotInstalledError, match=r"headwater\[tracking\]"):
        open_artifact_store("memory://somewhere")


WRITER = """
import sys
from headwater.tracking import ArtifactStore
store = ArtifactStore(sys.argv[1])
print("ready", flush=True)
number = 0
while True:
    store.put(bytes([number % 256]) * 4_000_000 + str(number).encode(), name="big")
    number += 1
"""


def test_a_killed_writer_leaves_nothing_half_written(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path))
    for moment in range(5):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.05 + 0.013 * moment)  # another instant of its writing each time
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
    whole = sorted(tmp_path.glob("sha256/*/*"))
    assert whole
    for path in whole:
        kept = store.load(
            path.as_uri(), data_type="bytes", media_type="application/octet-stream"
        )  # raises unless its content has the hash of its name
        assert store.put(kept, name="big").uri == path.as_uri()

"""Where values of runs are kept: by the hash of their content, below any URL that fsspec opens."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname
from uuid import uuid4

from headwater.errors import InvalidInputError, NotFoundError, NotInstalledError, StoreError
from headwater.tracking.extra import load as module
from headwater.tracking.materializer import Materializer, Reading, Registry
from headwater.tracking.materializers import registry

VARIABLE = "HEADWATER_ARTIFACTS"
DEFAULT = ".headwater/artifacts"
_BUCKETS = frozenset({"abfs", "az", "gcs", "gs", "oci", "oss", "s3", "s3a"})
_ADDRESSED = re.compile(r"/sha256/[0-9a-f]{2}/([0-9a-f]{64})$")


@dataclass(frozen=True, slots=True)
class StoredArtifact:
    """What a store wrote.

    Attributes:
        uri: Where it lies; of a local file, ``file://`` and the absolute path.
        hash: ``sha256:`` and the content's hash in hexadecimal.
        size: Bytes.
        media_type: Of the content.
        data_type: Which materializer of a reader makes a value of it.
    """

    uri: str
    hash: str
    size: int
    media_type: str
    data_type: str


class ArtifactStore:
    """Values by the hash of their content, which is stored once.

    Content is written under a name of its own and then moved to its place, so that a writer that is
    killed leaves no half of it there; what such a one leaves lies in the folder ``partial``.

    Args:
        url: A folder: a local path, or any URL of fsspec (``s3://bucket/folder``).
        materializers: What values are written and read with; this process's unless given.
    """

    def __init__(self, url: str, *, materializers: Registry = registry) -> None:
        self._fs, self._root = _opened(url)
        self._registry = materializers
        self.url = self._uri(self._root)

    def put(self, value: Any, *, name: str) -> StoredArtifact:
        """Write a value, unless the store has its content, and return where it is.

        Args:
            value: Of a type that a registered materializer writes.
            name: What messages call it.

        Raises:
            InvalidInputError: No materializer writes it.
            StoreError: The store cannot be written.
        """
        materializer, content = self._dumped(value, name)
        digest = hashlib.sha256(content).hexdigest()
        path = f"{self._root}/sha256/{digest[:2]}/{digest}"
        with _clear(f"{name} cannot be written to {self.url}"):
            if not self._has(path, len(content)):
                self._write(path, content)
        return StoredArtifact(
            uri=self._uri(path),
            hash=f"sha256:{digest}",
            size=len(content),
            media_type=materializer.media_type,
            data_type=materializer.data_type,
        )

    def hash_of(self, value: Any, *, name: str) -> str:
        """Return the hash that a value has once it is written; see ``put``.

        Raises:
            InvalidInputError: No materializer writes it.
        """
        return f"sha256:{hashlib.sha256(self._dumped(value, name)[1]).hexdigest()}"

    def load(
        self,
        uri: str,
        *,
        data_type: str,
        media_type: str,
        hash: str | None = None,  # the catalog's name of it
        allow_pickle: bool = False,
        trusted: Sequence[str] = (),
    ) -> Any:
        """Read a value.

        Args:
            uri: Where it lies, in this store or another.
            data_type: Which of this process's materializers reads it.
            media_type: Of the content.
            hash: That the content must have; content of a store has that of its name in any case.
            allow_pickle: Permit content that is a pickle, which runs code that it holds.
            trusted: Names of types of estimators, beside those that skops knows.

        Raises:
            NotFoundError: There is nothing.
            StoreError: The store cannot be read, or the content is not what was written.
            InvalidInputError: No materializer reads it, or it holds what is not permitted.
        """
        materializer = self._registry.for_content(data_type=data_type, media_type=media_type)
        content = read_bytes(uri, hash=hash)
        return materializer.load(content, Reading(allow_pickle, tuple(trusted)))

    def _dumped(self, value: Any, name: str) -> tuple[Materializer, bytes]:
        try:
            materializer = self._registry.for_value(value)
            return materializer, materializer.dump(value)
        except InvalidInputError as error:
            raise InvalidInputError(f"{name}: {error.message}", **error.details) from error

    def _has(self, path: str, size: int) -> bool:
        """Whether content is there whole: where power was lost, its name alone may be."""
        try:
            return bool(self._fs.size(path) == size)
        except FileNotFoundError:
            return False

    def _write(self, path: str, content: bytes) -> None:
        partial = f"{self._root}/partial/{uuid4().hex}"
        for each in (partial, path) if _has_folders(self._fs) else ():
            self._fs.makedirs(each.rpartition("/")[0], exist_ok=True)
        try:
            self._fs.pipe_file(partial, content)
            self._fs.mv(partial, path)
        except BaseException:
            if self._fs.exists(partial):
                self._fs.rm_file(partial)
            raise

    def _uri(self, path: str) -> str:
        if _is_local(self._fs):
            return Path(path).as_uri()
        return str(self._fs.unstrip_protocol(path))


def open_artifact_store(url: str | None = None) -> ArtifactStore:
    """Open the store of a URL, else of ``HEADWATER_ARTIFACTS``, else ``.headwater/artifacts`` here.

    Raises:
        InvalidInputError: The URL is none of fsspec.
        NotInstalledError: fsspec, or what it needs for this URL, is missing.
    """
    return ArtifactStore(url or os.environ.get(VARIABLE) or DEFAULT)


def read_bytes(uri: str, *, hash: str | None = None) -> bytes:  # as in load
    """Return content, checked against its hash.

    Raises:
        NotFoundError: There is nothing.
        StoreError: The store cannot be read, or the content is not what was written.
    """
    fs, path = _opened(uri)
    with _clear(f"{uri} cannot be read"):
        content: bytes = fs.cat_file(path)
    named = _ADDRESSED.search(path)
    wanted = {hash} if hash else set()
    wanted |= {f"sha256:{named[1]}"} if named else set()
    found = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if wanted - {found}:
        raise StoreError(
            f"{uri} is not what was written: its content has the hash {found}, and not"
            f" {' or '.join(sorted(wanted))}",
            uri=uri,
            hash=found,
        )
    return content


def _opened(url: str) -> tuple[Any, str]:
    """The file system of a URL and the path in it, without a slash at its end."""
    fsspec = module("fsspec", to="keep artifacts")
    if "::" in url:
        raise InvalidInputError(f"{url!r} chains file systems; an artifact store is in one")
    if url.startswith("file://"):
        url = url2pathname(urlsplit(url).path)
    try:
        fs, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise NotInstalledError(f"{url}: {error}") from error
    except ValueError as error:
        raise InvalidInputError(f"{url!r} is no place for artifacts: {error}") from error
    return fs, str(path).rstrip("/")


def _is_local(fs: Any) -> bool:
    return "file" in _protocols(fs)


def _has_folders(fs: Any) -> bool:
    """Whether folders are to be made; of a bucket, that would make the bucket, however spelled."""
    return not _BUCKETS & _protocols(fs)


def _protocols(fs: Any) -> set[str]:
    return {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)


@contextmanager
def _clear(failed: str) -> Iterator[None]:
    """What file systems raise, as an error of ours."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"{failed}: there is nothing") from error
    except Exception as error:
        # Each of fsspec's file systems has errors of its own; none of them is told apart here.
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise StoreError(f"{failed}: {reason}") from error

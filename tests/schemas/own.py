"""An organisation's folder of schema files, for tests that use one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headwater.schemas import use_folder
from tests.schemas.new_kind import write


def make_folder(folder: Path, **documents: Any) -> Path:
    """A folder with each document in the file of its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for stem, document in documents.items():
        write(folder / f"{stem}.json", document)
    return folder


@contextmanager
def no_folder_afterwards() -> Iterator[None]:
    """Whatever folder is used within, none is afterwards."""
    try:
        yield
    finally:
        use_folder(None)

"""An organisation's own schema files: read from a folder, checked, and put into use."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

from headwater.errors import InvalidInputError
from headwater.schemas.check import check_schemas
from headwater.schemas.registry import (
    BASE,
    META_SCHEMA,
    kinds,
    own_documents,
    replace_own,
    shipped,
)

_FILE = re.compile(r"[a-z][a-z0-9_]*\.json")
_LOCK = threading.Lock()


def use_folder(folder: str | Path | None) -> None:
    """Use the schema files of a folder beside those that ship, in the whole process.

    They take the place of those of another folder. The same files again change nothing.

    Args:
        folder: Holds ``*.json`` files; what lies in folders below it is not read. None or empty
            for no files.

    Raises:
        InvalidInputError: There is no such folder, or its files cannot be used; the message has a
            line for each fault, with file and JSON pointer.
    """
    found = _read(Path(folder).expanduser()) if folder else {}
    with _LOCK:
        if found == own_documents():
            return
        places = {file: str(Path(str(folder)) / file) for file in found}
        if faults := check_schemas({**shipped(), **found}, own=places):
            raise InvalidInputError("\n".join(faults))
        replace_own(found)
        kinds()  # read by whoever changed them, not by two requests at once


def _read(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise InvalidInputError(
            f"{folder} is no folder; HEADWATER_SCHEMAS names the one that holds your schema files"
        )
    return {path.name: _document(path) for path in sorted(folder.glob("*.json"))}


def _document(path: Path) -> dict[str, Any]:
    if path.name in shipped() or path.name == META_SCHEMA:
        raise InvalidInputError(f"{path}: Headwater's own file has that name; choose another")
    if not _FILE.fullmatch(path.name):
        raise InvalidInputError(f"{path}: a schema file is named in snake_case, as in my_kind.json")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise InvalidInputError(f"{path}: not JSON: {error.msg} at {where}") from error
    except RecursionError as error:
        raise InvalidInputError(f"{path}: nests too deeply to be read") from error
    except (OSError, ValueError) as error:  # ValueError: not UTF-8
        raise InvalidInputError(f"{path}: cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise InvalidInputError(f"{path}: a schema is an object")
    # What could only be said in one way need not be said.
    schema, closed = shipped()["common.json"]["$schema"], {"additionalProperties": False}
    if isinstance(inner := document.get("$defs"), dict):
        document["$defs"] = {
            name: closed | each if isinstance(each, dict) and "properties" in each else each
            for name, each in inner.items()
        }
    return {"$schema": schema, "$id": BASE + path.name, **closed, **document}

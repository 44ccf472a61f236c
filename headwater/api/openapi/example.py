"""Examples of requests: those that lie beside the schemas."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from headwater.schemas import Kind

_TELLING = "full.json"
_SPECIAL = ("minimal.json", "null_removes.json")


def create_example(kind: Kind) -> Any | None:
    """A request that creates an entity of a kind and shows what it can have, if there is one."""
    folder = files("headwater.schemas") / "examples/valid" / f"create_{kind.file.split('.')[0]}"
    if not folder.is_dir():
        return None
    names = sorted(entry.name for entry in folder.iterdir() if entry.name not in _SPECIAL)
    names.sort(key=lambda name: name != _TELLING)
    return json.loads((folder / names[0]).read_text(encoding="utf-8")) if names else None

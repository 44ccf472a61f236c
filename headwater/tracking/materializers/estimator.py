"""Estimators of scikit-learn, and what is built on them, through skops: data, and no code."""

from __future__ import annotations

import json
import sys
from io import BytesIO
from itertools import count
from typing import Any, ClassVar
from zipfile import BadZipFile, ZipFile, ZipInfo

from typing_extensions import override

from headwater.errors import InvalidInputError
from headwater.tracking.extra import load as module
from headwater.tracking.materializer import Materializer, Reading, type_name

_SCHEMA = "schema.json"
_ADDRESS = "_stop_words_id"
"""Where vectorizers of text remember in memory the words that they have checked."""
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip file can tell


class EstimatorMaterializer(Materializer):
    """Estimators and pipelines. skops refuses types that it does not know, unless they are trusted.

    Equal content gives equal bytes: what skops writes of moments and addresses in memory is
    replaced.
    """

    data_type: ClassVar[str] = "sklearn.BaseEstimator"
    media_type: ClassVar[str] = "application/x-skops"

    @override
    def accepts(self, value: Any) -> bool:
        base = sys.modules.get("sklearn.base")
        return base is not None and isinstance(value, base.BaseEstimator)

    @override
    def dump(self, value: Any) -> bytes:
        skops = module("skops.io", to="write estimators")
        try:
            return _canonical(skops.dumps(value))
        except (TypeError, ValueError, AttributeError) as error:
            name = type_name(type(value))
            raise InvalidInputError(f"skops cannot write this {name}: {error}") from error

    @override
    def load(self, content: bytes, reading: Reading) -> Any:
        skops = module("skops.io", to="read estimators")
        try:
            unknown = skops.get_untrusted_types(data=content)
        except (BadZipFile, KeyError, ValueError, TypeError) as error:
            raise InvalidInputError(f"the content is none of skops: {error}") from error
        if refused := sorted(set(unknown) - set(reading.trusted)):
            raise InvalidInputError(
                f"the content has types that skops does not trust: {', '.join(refused)};"
                " look at them, and name those that you trust: trusted=[…]",
                untrusted=refused,
            )
        return skops.loads(content, trusted=unknown)


def _canonical(content: bytes) -> bytes:
    """The same file without the moment and the addresses in memory at which it was written."""
    with ZipFile(BytesIO(content)) as given:
        schema = json.loads(given.read(_SCHEMA))
        files = _Numbered().number(schema)
        made = BytesIO()
        with ZipFile(made, "w") as written:
            for old, new in files.items():
                written.writestr(ZipInfo(new, _EPOCH), given.read(old))
            written.writestr(ZipInfo(_SCHEMA, _EPOCH), json.dumps(schema))
    return made.getvalue()


class _Numbered:
    """Numbers in the order of the schema, in place of addresses in memory."""

    def __init__(self) -> None:
        self._next = count(1)
        self._ids: dict[int, int] = {}
        self._files: dict[str, str] = {}

    def number(self, node: Any) -> dict[str, str]:
        """Change a node and those below it; return the new names of files by the old ones."""
        if isinstance(node, dict):
            self._number_node(node)
        if isinstance(node, (dict, list)):
            for each in node.values() if isinstance(node, dict) else node:
                self.number(each)
        return self._files

    def _number_node(self, node: dict[str, Any]) -> None:
        if isinstance(address := node.get(_ADDRESS), dict):
            address["content"] = "0"
        if isinstance(identity := node.get("__id__"), int):
            # Whether two equal texts or numbers are one object is chance.
            known = {} if node.get("is_json") else self._ids
            node["__id__"] = known.setdefault(identity, next(self._next))
        if isinstance(file := node.get("file"), str) and "__loader__" in node:
            suffix = file.rpartition(".")[2]
            node["file"] = self._files.setdefault(file, f"{len(self._files)}.{suffix}")

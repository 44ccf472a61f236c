"""What a request asks for: the query of a GET, the JSON of the others, read as MLflow reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import parse_qs

from headwater.api.dialects.mlflow.error import MlflowError, invalid

Tags = dict[str, str]


class Arguments:
    """The parameters of one request. Those that the operation does not know are ignored.

    Args:
        values: By name. A query has a list for each, JSON has what the type of each is.
        in_query: Which of the two it is.
    """

    def __init__(self, values: Mapping[str, Any], *, in_query: bool) -> None:
        self._values = values
        self._in_query = in_query

    @classmethod
    def of_query(cls, query: bytes) -> Self:
        """Those of a query string.

        Raises:
            MlflowError: It is not UTF-8.
        """
        if not query:
            return cls({}, in_query=True)
        try:
            found = parse_qs(query.decode(), keep_blank_values=True, errors="strict")
        except ValueError:
            raise invalid("The query is not percent-encoded UTF-8.") from None
        return cls(found, in_query=True)

    @classmethod
    def of_json(cls, body: Any) -> Self:
        """Those of a body.

        Raises:
            MlflowError: It is no object.
        """
        if not isinstance(body, dict):
            raise MlflowError("BAD_REQUEST", "A request's body is a JSON object.")
        return cls(body, in_query=False)

    def find(self, name: str) -> str | None:
        """A text, or None where it is not given.

        Raises:
            MlflowError: It is no text.
        """
        value = self._values.get(name)
        if self._in_query and value is not None:
            value = value[-1]
        if value is not None and not isinstance(value, str):
            raise _unfit(name, value)
        return value

    def text(self, name: str) -> str:
        """A text that must be given, and not be empty.

        Raises:
            MlflowError: It is missing, or no text.
        """
        value = self.find(name)
        if not value:
            raise invalid(f"Missing value for required parameter {name!r}.")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of texts; empty where none are given.

        Raises:
            MlflowError: It is another thing.
        """
        value = self._values.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise _unfit(name, value)
        return value

    def flag(self, name: str) -> bool:
        """A truth value; false where none is given.

        Raises:
            MlflowError: It is another thing.
        """
        value = self._values.get(name)
        if self._in_query and value is not None:
            value = {"true": True, "false": False}.get(value[-1].lower(), value[-1])
        if value is None or isinstance(value, bool):
            return bool(value)
        raise _unfit(name, value)

    def number(self, name: str, default: int, *, most: int) -> int:
        """A whole number from 1 to a maximum.

        Raises:
            MlflowError: It is another thing.
        """
        value = self._values.get(name)
        if value is None:
            return default
        if self._in_query:
            value = value[-1]
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value[:12])
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise _unfit(name, value)
        if value > most:
            raise invalid(f"{name} is at most {most}, not {value}.")
        return value

    def tags(self) -> Tags:
        """The list ``tags`` of ``{"key", "value"}``; of two with one key the last counts.

        Raises:
            MlflowError: It is another thing.
        """
        value = self._values.get("tags")
        if value is None:
            return {}
        if not isinstance(value, list) or not all(_is_tag(each) for each in value):
            raise _unfit("tags", value)
        return {each["key"]: each.get("value") or "" for each in value}


def _is_tag(item: Any) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("key"), str):
        return False
    return isinstance(item.get("value", ""), str)


def _unfit(name: str, value: object) -> MlflowError:
    shown = repr(value)
    return invalid(
        f"Invalid value {shown[:80]} for parameter {name!r}: it is of the type"
        f" {type(value).__name__}, which does not fit."
    )

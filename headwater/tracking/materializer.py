"""The port between values and the bytes that an artifact store keeps, and who may implement it.

What a reader makes of bytes is decided by the registry of its own process: what the catalog says of
an artifact selects one of its materializers by name, and never names code.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from headwater.errors import InvalidInputError

_AS_TUPLE = "; a named tuple as tuple(…) or …._asdict()"


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader of an artifact permits.

    Attributes:
        allow_pickle: Whether content may be unpickled, which runs code that it holds.
        trusted: Names of types, beside those that skops knows, that content may bring to life.
    """

    allow_pickle: bool = False
    trusted: Sequence[str] = ()


class Materializer(ABC):
    """Writes values of some types as bytes, and reads them.

    Equal values should give equal bytes: a store keeps what is equal once, and a step whose inputs
    are equal is not run again.

    Attributes:
        data_type: Says in the catalog what the bytes become: ``pandas.DataFrame``.
        media_type: Of the bytes.
    """

    data_type: ClassVar[str]
    media_type: ClassVar[str]

    @abstractmethod
    def accepts(self, value: Any) -> bool:
        """Whether this materializer writes the value, so that reading gives an equal one."""

    @abstractmethod
    def dump(self, value: Any) -> bytes:
        """Return the value as bytes.

        Raises:
            InvalidInputError: The format cannot hold it; the message says what of it.
        """

    @abstractmethod
    def load(self, content: bytes, reading: Reading) -> Any:
        """Return the value that some bytes are.

        Raises:
            InvalidInputError: They are none, or hold what the reader does not permit.
        """


class Registry:
    """Materializers in order: the first that fits is taken."""

    def __init__(self, materializers: Iterable[Materializer] = ()) -> None:
        self._known = list(materializers)

    def __iter__(self) -> Iterator[Materializer]:
        return iter(self._known)

    def register(self, materializer: Materializer) -> None:
        """Add a materializer, before all others."""
        self._known.insert(0, materializer)

    def for_value(self, value: Any) -> Materializer:
        """Return the materializer that writes a value.

        Raises:
            InvalidInputError: None does.
        """
        for each in self._known:
            if each.accepts(value):
                return each
        name = type_name(type(value))
        raise InvalidInputError(
            f"no materializer writes a {name}; register one with"
            " headwater.tracking.register_materializer, or return what one writes:"
            f" {', '.join(dict.fromkeys(each.data_type for each in reversed(self._known)))}"
            f"{_AS_TUPLE if hasattr(value, '_asdict') else ''}",
            type=name,
        )

    def for_content(self, *, data_type: str, media_type: str) -> Materializer:
        """Return the materializer that reads what is recorded so.

        Raises:
            InvalidInputError: None of this process does.
        """
        for each in self._known:
            if (each.data_type, each.media_type) == (data_type, media_type):
                return each
        raise InvalidInputError(
            f"no materializer of this process reads {data_type!r} from {media_type!r};"
            " one that does is registered with headwater.tracking.register_materializer",
            data_type=data_type,
            media_type=media_type,
        )


def type_name(cls: type) -> str:
    """The name of a class with its module's, where that is not Python itself."""
    module = cls.__module__
    return cls.__qualname__ if module == "builtins" else f"{module}.{cls.__qualname__}"

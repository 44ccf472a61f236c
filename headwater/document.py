"""Base classes of the generated models: what every document and reference can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.types import StrictInt, StrictStr

from headwater import display


def whole(value: Any) -> Any:
    """The value; an integer that is spelled as a fraction, as one."""
    # JSON Schema: 1.0 is an integer (draft 2020-12, validation, 6.1.1).
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


Text = Annotated[StrictStr, Field(min_length=0)]
"""Unicode text. The limit sends every string through pydantic's own decoding, which refuses lone
surrogates: JSON's escapes can spell them, UTF-8 and the stores cannot hold them."""

Integer = Annotated[StrictInt, BeforeValidator(whole)]
"""An integer as JSON Schema has it: ``1.0`` is one, ``"1"`` and ``true`` are not."""


class Document(BaseModel):
    """A document of the catalog.

    Arguments and attributes go by both spellings: ``ml_features`` and, as on the wire,
    ``mlFeatures``.
    """

    # What the SDK read, for it to tell changes against (``sdk/memory.py``). A slot and not a
    # private attribute of pydantic: it costs no document anything and takes no part in equality.
    __slots__ = ("_read",)

    model_config = ConfigDict(
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        validate_assignment=True,
        defer_build=True,
        protected_namespaces=(),
    )

    if not TYPE_CHECKING:  # checkers see both spellings in the generated classes

        def __getattr__(self, name: str) -> Any:
            field = _field_of(type(self), name)
            if field is not None:
                return getattr(self, field)
            return super().__getattr__(name)

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(_field_of(type(self), name) or name, value)

    def __copy__(self) -> Self:
        return self._with_memory_of_self(super().__copy__())

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return self._with_memory_of_self(super().__deepcopy__(memo))

    def _with_memory_of_self(self, copied: Self) -> Self:
        object.__setattr__(copied, "_read", getattr(self, "_read", None))
        return copied

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return display.document(type(self).__name__, self.to_wire())

    def to_wire(self) -> dict[str, Any]:
        """The JSON form: wire names, and only what was given."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Reference(Document):
    """A pointer to an entity that also takes a fully qualified name for the whole of it."""

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"fullyQualifiedName": value} if isinstance(value, str) else value


def _field_of(model: type[BaseModel], alias: str) -> str | None:
    """The Python name of a property that is spelled differently on the wire."""
    if alias.islower() or alias.startswith("_"):
        return None
    for name, field in model.__pydantic_fields__.items():
        if field.alias == alias and name != alias:
            return name
    return None

"""Requests that are no entity's document: checked, and described, by one class each."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from headwater.document import Text, whole
from headwater.errors import InvalidInputError
from headwater.names import MAX_NAME, escape

Whole = Annotated[StrictInt, Field(ge=-(2**53) + 1, le=2**53 - 1), BeforeValidator(whole)]
"""An integer that every JSON reader keeps exact."""

_SAID = {"missing": "is required", "extra_forbidden": "is not a property of this request"}


class Form(BaseModel):
    """Base of such a request; properties are spelled in camelCase. OpenAPI shows its schema."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    @classmethod
    def read(cls, body: Any) -> Self:
        """Return the request that a body of parsed JSON is.

        Raises:
            InvalidInputError: It is not one; every fault has its pointer.
        """
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            raise _explain(error) from None


class Rename(Form):
    """Request to give an entity another name."""

    name: Annotated[Text, Field(min_length=1, max_length=MAX_NAME)]


class Release(Form):
    """Request to hand a field back to the machines that write it."""

    field: Annotated[
        Text,
        Field(description="Its path, as versions spell it, such as `columns.age.description`."),
    ]


class MoveStage(Form):
    """Request to move a model version to a stage."""

    stage: Annotated[
        Text,
        Field(
            pattern="^[A-Za-z][A-Za-z0-9_-]{0,63}$",
            description="`none`, `staging`, `production`, `archived`, or one of your own stages;"
            " in any case.",
        ),
    ]
    reason: Annotated[Text | None, Field(description="Why; kept in the lifecycle.")] = None
    effective_at: Annotated[
        Whole | None,
        Field(description="When it was so, in milliseconds since the epoch; now unless given."),
    ] = None
    exclusive: Annotated[
        StrictBool | None,
        Field(
            description="Whether the version is to be alone in the stage; unless given, in staging,"
            " production, and your own stages that say so, it is."
        ),
    ] = None
    force: Annotated[
        StrictBool,
        Field(
            description="Archive the versions that are in the way, in the same commit; without it"
            " they are a conflict."
        ),
    ] = False


class CastVote(Form):
    """Request to vote on an entity; `none` takes the vote back."""

    vote: Literal["up", "down", "none"]


FORMS: tuple[type[Form], ...] = (Rename, Release, MoveStage, CastVote)


def form_schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of every form by its name."""
    return {form.__name__: _without_titles(form.model_json_schema()) for form in FORMS}


def _without_titles(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without the titles that pydantic makes of names."""
    properties = {
        name: {key: value for key, value in about.items() if key != "title"}
        for name, about in schema["properties"].items()
    }
    return {key: value for key, value in schema.items() if key != "title"} | {
        "properties": properties
    }


def _explain(error: ValidationError) -> InvalidInputError:
    faults = [
        {
            "pointer": "".join(f"/{escape(part)}" for part in fault["loc"]),
            "message": _SAID.get(fault["type"], fault["msg"]),
        }
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    text = "; ".join(f"{fault['pointer'] or 'the body'}: {fault['message']}" for fault in faults)
    return InvalidInputError(f"not a valid request: {text}", errors=faults)

"""Free tags: a word that is no tag of the catalog becomes one, of the classification ``Label``."""

from __future__ import annotations

from collections.abc import Iterable

from headwater import names
from headwater.errors import NotFoundError
from headwater.sdk import Headwater

CLASSIFICATION = "Label"


def tag_references(hw: Headwater, tags: Iterable[str]) -> list[dict[str, str]]:
    """References to tags; those that are not there are made.

    Args:
        tags: Words, such as ``sklearn``, which is ``Label.sklearn``; or FQNs of tags that the
            catalog has, such as ``PII.Sensitive``.
    """
    return [
        {"type": "tag", "fullyQualifiedName": tag_fqn(hw, each)} for each in dict.fromkeys(tags)
    ]


def tag_fqn(hw: Headwater, tag: str) -> str:
    """The FQN of the tag that a word means; the tag is made where it is missing."""
    if "." in tag and hw.find("tag", tag) is not None:
        return tag
    fqn = names.join(CLASSIFICATION, tag)
    if hw.find("tag", fqn) is None:
        about = "Free tags, made as they are used."
        try:
            hw.get("classification", CLASSIFICATION)
        except NotFoundError:
            hw.create_or_update(
                {"name": CLASSIFICATION, "description": about}, kind="classification"
            )
        hw.create_or_update({"name": tag, "classification": CLASSIFICATION}, kind="tag")
    return fqn

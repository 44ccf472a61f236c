"""Free tags: a word that is no tag of the catalog becomes one, of the classification ``Label``."""

from __future__ import annotations

from collections.abc import Sequence

from headwater import names
from headwater.errors import NotFoundError
from headwater.sdk import Headwater
from headwater.tracking.check import check_name, check_tags

CLASSIFICATION = "Label"


def tag_references(hw: Headwater, tags: Sequence[str]) -> list[dict[str, str]]:
    """References to tags; those that are not there are made.

    Args:
        tags: Words, such as ``sklearn``, which is ``Label.sklearn``; or FQNs of tags that the
            catalog has, such as ``PII.Sensitive``.

    Raises:
        InvalidInputError: They are no list of such.
    """
    check_tags(tags)
    return [
        {"type": "tag", "fullyQualifiedName": tag_fqn(hw, each)} for each in dict.fromkeys(tags)
    ]


def tag_fqn(hw: Headwater, tag: str) -> str:
    """The FQN of the tag that a word means; the tag is made where it is missing."""
    check_name(tag, "a tag")
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

"""The stages that versions of models may be in: those that ship, those that administrators define.

Here is what every service asks of them; what becomes of versions there is the catalog's.
"""

from __future__ import annotations

import re

from headwater.errors import InvalidInputError
from headwater.store.base import PageQuery, Record, Store

KIND = "modelStage"
NONE = "none"
ARCHIVED = "archived"
EXCLUSIVE = ("staging", "production")
"""Stages in which a version is alone, unless a move says otherwise."""
STAGES = (NONE, *EXCLUSIVE, ARCHIVED)
NAME = re.compile("[a-z][a-z0-9_-]{0,63}")
"""What the name of an own stage is like."""


def meant_stage(store: Store, word: str) -> str:
    """The stage that a question means by a word, in any case.

    Raises:
        InvalidInputError: There is no such stage; the message names those there are.
    """
    stage = word.lower()
    if stage not in STAGES and find_own_stage(store, stage) is None:
        raise InvalidInputError(unknown_stage(store, word), stage=word)
    return stage


def find_own_stage(store: Store, stage: str) -> Record | None:
    """The stage of that name that an administrator defined, if one did."""
    is_own = stage not in STAGES and NAME.fullmatch(stage)
    found = store.find((KIND, stage)) if is_own else None
    return None if found is None or found.deleted else found


def unknown_stage(store: Store, stage: str) -> str:
    """What is told of a stage that there is not."""
    own = [record.name for record in store.page(PageQuery(KIND, 100))]
    return f"a stage is {' or '.join((*STAGES, *own))}, not {stage!r}"

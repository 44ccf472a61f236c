"""What a step does beside taking arguments and returning values, as far as the cache knows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Question = Mapping[str, Any]
"""What is looked for: ``artifact`` and ``version``; with ``model`` and ``modelVersion``, ``type``
too, among those of a version of a model; or a ``file``."""


@dataclass(slots=True)
class StepEffects:
    """What a step of a run did while it ran.

    Attributes:
        is_watched: Whether files that it reads are to be known by their content.
        opaque: What the cache cannot see or do again, in words.
        logged: What it logged on its model's version, by name.
        logged_on_step: What it logged on itself, by name.
        linked: FQNs of versions of artifacts that it linked to its model's version.
    """

    is_watched: bool = False
    opaque: list[str] = field(default_factory=list)
    logged: dict[str, Any] = field(default_factory=dict)
    logged_on_step: dict[str, Any] = field(default_factory=dict)
    linked: list[str] = field(default_factory=list)
    _looked: dict[str, dict[str, Any]] = field(default_factory=dict)

    def look(self, question: Question, found: str | None, *, is_used: bool = False) -> None:
        """Note what the step looked for.

        Args:
            question: See ``Question``.
            found: The hash of its content; None where there was nothing.
            is_used: Whether the step read it.
        """
        known = self._looked.setdefault(json.dumps(question, sort_keys=True), {"isUsed": False})
        known |= {"question": dict(question), "found": found, "isUsed": is_used or known["isUsed"]}

    def to_wire(self) -> dict[str, Any]:
        """What an equal step has to do and to find again, as JSON has it."""
        return {
            "logged": self.logged,
            "loggedOnStep": self.logged_on_step,
            "linked": self.linked,
            "looked": list(self._looked.values()),
            "opaque": list(dict.fromkeys(self.opaque)),
        }

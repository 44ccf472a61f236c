"""The stages that a version of a model may be in."""

from __future__ import annotations

from enum import StrEnum


class ModelStages(StrEnum):
    """Stages that every catalog has; an administrator may define more, which go by their name."""

    NONE = "none"
    STAGING = "staging"
    PRODUCTION = "production"
    ARCHIVED = "archived"
    LATEST = "latest"
    """The newest version; nothing is promoted to it."""

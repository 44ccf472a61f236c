"""Which versions of models were trained on something: the answer of the route ``trained-on``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from headwater.display import drawing
from headwater.sdk.impact import ReachedNode
from headwater.sdk.lineage import LineageNode


@dataclass(frozen=True, slots=True)
class TrainedVersion(ReachedNode):
    """A version of a model; its ``path`` leads to it.

    Attributes:
        trained_at: When its training ended, in milliseconds, if that is known.
    """

    stage: str = "none"
    trained_at: int | None = None

    @classmethod
    def of(cls, raw: dict[str, Any]) -> TrainedVersion:
        """Read a version of an answer."""
        return cls(**cls.way(raw), stage=raw["stage"], trained_at=raw.get("trainedAt"))

    def __str__(self) -> str:
        if self.trained_at is None:
            when = "at an unknown time"
        else:
            moment = datetime.fromtimestamp(self.trained_at / 1000, tz=UTC)
            when = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
        stage = f" ({self.stage})" if self.stage != "none" else ""
        return f"{when}  {self.node}{stage}"


class TrainedOn:
    """The versions of models that were trained on a table or column, the earliest first.

    Attributes:
        root: The asked node.
        versions: Those that lineage leads to; ``total`` counts them.
        table_level_versions: Those reached only by tables whose columns nobody has tied;
            ``table_level_total`` counts them.
        undated: How many were left out because nobody knows when they were trained.
        truncated: There may be more than the answer holds.
    """

    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw
        self.root = LineageNode.of(raw["root"])
        self.versions = [TrainedVersion.of(each) for each in raw["versions"]]
        self.total: int = raw["total"]
        self.table_level_versions = [TrainedVersion.of(each) for each in raw["tableLevelVersions"]]
        self.table_level_total: int = raw["tableLevelTotal"]
        self.undated: int = raw["undated"]
        self.truncated: bool = raw["truncated"]

    def to_wire(self) -> dict[str, Any]:
        """The answer as it came."""
        return self._raw

    def __bool__(self) -> bool:
        return bool(self.total)

    def __str__(self) -> str:
        lines = [f"{_count(self.total)} trained on {self.root}"]
        lines += [f"  {each}" for each in self.versions]
        if self.table_level_versions:
            lines.append("perhaps, by tables whose columns are not tied:")
            lines += [f"  {each}" for each in self.table_level_versions]
        if self.undated:
            lines.append(f"{_count(self.undated)} left out: when they were trained is not known")
        if self.truncated:
            lines.append("… not all is shown: ask about something narrower")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return drawing(str(self))

    def __repr__(self) -> str:
        return f"<TrainedOn: {_count(self.total)} trained on {self.root}>"


def _count(versions: int) -> str:
    return f"{versions or 'no'} version{'' if versions == 1 else 's'}"

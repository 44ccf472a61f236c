"""What a node or a tag reaches, and how: the answer of the impact route."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from headwater.display import drawing
from headwater.sdk import markdown
from headwater.sdk.lineage import LineageNode
from headwater.sdk.tree import Line, draw

Ends = tuple[LineageNode, LineageNode]


@dataclass(frozen=True, slots=True)
class ReachedNode:
    """What is reached, with a way to it.

    Attributes:
        path: One way that the data takes, from its beginning to its end.
        direct: Only parts of the first and the last entity lie on it.
        broken: It leads through a column or feature that is gone.
    """

    node: LineageNode
    path: list[LineageNode]
    direct: bool = False
    broken: bool = False

    @property
    def id(self) -> str:
        """Its id."""
        return self.node.id

    @property
    def fully_qualified_name(self) -> str:
        """Its FQN."""
        return self.node.fully_qualified_name

    @staticmethod
    def way(raw: dict[str, Any]) -> dict[str, Any]:
        """The fields of these, read from an answer."""
        return {
            "node": LineageNode.of(raw),
            "path": [LineageNode.of(step) for step in raw["path"]],
            "direct": raw.get("direct", False),
            "broken": raw.get("broken", False),
        }


@dataclass(frozen=True, slots=True)
class ImpactedModel(ReachedNode):
    """A model, or a version of one, that the asked node reaches.

    Attributes:
        stage: Of a version.
        stages: Of a model: its versions by stage, as in its ``lifecycle``.
    """

    stage: str | None = None
    stages: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, raw: dict[str, Any]) -> ImpactedModel:
        """Read a model of an answer."""
        return cls(**cls.way(raw), stage=raw.get("stage"), stages=raw.get("stages", []))

    def in_stages(self) -> list[str]:
        """The stages that it has something in."""
        held = [str(each["stage"]) for each in self.stages if each.get("versions")]
        return held if self.stage is None else [self.stage]

    def __str__(self) -> str:
        stage = f" ({self.stage})" if self.stage not in (None, "none") else ""
        return f"{self.node}{stage}"


@dataclass(frozen=True, slots=True)
class ImpactedEntity(ReachedNode):
    """A view, table, dashboard or other entity that the asked node reaches.

    Attributes:
        certain: Lineage leads to it; else it is reached only by tables whose columns are not tied.
    """

    certain: bool = True

    @classmethod
    def of(cls, raw: dict[str, Any]) -> ImpactedEntity:
        """Read an entity of an answer."""
        return cls(**cls.way(raw), certain=raw["certain"])

    def __str__(self) -> str:
        return f"{self.node}{'' if self.certain else ' (perhaps)'}"


class Impact:
    """What a change of a column, table or feature reaches, or what data with a tag does.

    Attributes:
        root: The asked node: the tag, where one was asked about.
        models: Models that lineage leads to for certain.
        table_level_models: Models that are reached only by tables whose columns nobody has tied.
        total: How many models there are for certain, of which ``models`` may be the first.
        table_level_total: How many there are of the others.
        entities: With ``drop``: what lies in between; ``entities_total`` counts them.
        broken: With ``drop``: edges of columns and features that are gone already, by their ends.
        tagged: Of a tag: what has it; ``tagged_total`` counts them.
        features: Of a tag: the features that read it; ``features_total`` counts them.
        masked: Of a tag: edges where its way ended, by their ends; ``masked_total`` counts them.
        truncated: There may be more than the answer holds.
    """

    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw
        self.root = LineageNode.of(raw["root"])
        self.models = [ImpactedModel.of(each) for each in raw["models"]]
        self.table_level_models = [ImpactedModel.of(each) for each in raw["tableLevelModels"]]
        self.total: int = raw.get("total", len(self.models))
        self.table_level_total: int = raw.get("tableLevelTotal", len(self.table_level_models))
        self.entities = [ImpactedEntity.of(each) for each in raw.get("entities", ())]
        self.entities_total: int = raw.get("entitiesTotal", 0)
        self.broken = _ends(raw.get("broken", ()))
        self.broken_total: int = raw.get("brokenTotal", 0)
        self.tagged = [LineageNode.of(each) for each in raw.get("tagged", ())]
        self.tagged_total: int = raw.get("taggedTotal", 0)
        self.features = [ReachedNode(**ReachedNode.way(each)) for each in raw.get("features", ())]
        self.features_total: int = raw.get("featuresTotal", 0)
        self.masked = _ends(raw.get("masked", ()))
        self.masked_total: int = raw.get("maskedTotal", 0)
        self.truncated: bool = raw.get("truncated", False)

    @property
    def cut(self) -> bool:
        """Whether the search met its bound: there may be models that nothing here counts."""
        listed = (len(self.models), len(self.table_level_models))
        return self.truncated and listed == (self.total, self.table_level_total)

    def to_wire(self) -> dict[str, Any]:
        """The answer as it came."""
        return self._raw

    def tree(self) -> str:
        """Draw the ways from the asked node to the models."""
        lines = [f"{self.root} {self._reach()}"]
        lines += self._ways(self.models, self.total)
        if self.table_level_models:
            count = _count(self.table_level_total, self.table_level_models)
            lines.append(f"perhaps {count}, by tables whose columns are not tied")
            lines += self._ways(self.table_level_models, self.table_level_total)
        for title, listed, total in self._more():
            lines += [title, *(f"  {each}" for each in listed)]
            lines += [f"  … and {total - len(listed)} more"] if total > len(listed) else []
        if self.truncated:
            lines.append("… not all is shown: ask about something narrower")
        return "\n".join(lines)

    def to_markdown(self) -> str:
        """The answer as a comment on a pull request: a line, and a table of what is reached."""
        lines = [f"**{self.root.kind}** {markdown.code(self.root.fully_qualified_name)}"]
        lines[0] += f" {self._reach()}"
        lines += _models_table(self.models, self.total)
        if self.table_level_models:
            count = _count(self.table_level_total, self.table_level_models)
            lines += ["", f"Perhaps {count}, by tables whose columns are not tied:"]
            lines += _models_table(self.table_level_models, self.table_level_total)
        if self.entities:
            rows = [
                [each.node.kind, markdown.code(each.fully_qualified_name), _certainty(each)]
                for each in self.entities
            ]
            lines += ["", "In between:", "", *markdown.table(["kind", "name", ""], rows)]
            lines += _left_out(self.entities_total, self.entities)
        for title, ends, total in (
            ("Broken already:", self.broken, self.broken_total),
            ("Masked, and so not followed:", self.masked, self.masked_total),
        ):
            if ends:
                rows = [
                    [markdown.code(node.fully_qualified_name) for node in pair] for pair in ends
                ]
                lines += ["", title, "", *markdown.table(["from", "to"], rows)]
                lines += _left_out(total, ends)
        if self.cut:
            lines += ["", "Not all could be followed: there may be more."]
        return "\n".join(lines) + "\n"

    def __str__(self) -> str:
        return self.tree()

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return drawing(str(self))

    def __repr__(self) -> str:
        return f"<Impact: {self.root} {self._reach()}>"

    def _reach(self) -> str:
        if not self.cut:
            return f"reaches {_count(self.total, self.models)}"
        # All that was met is listed, so it is the search that was cut.
        if not self.total:
            return "was followed in part, and that part reaches no model for certain"
        return f"reaches at least {_count(self.total, self.models)}"

    def _more(self) -> Iterator[tuple[str, list[str], int]]:
        """What else there is to tell: a title, lines, and how many there are."""
        if self.entities:
            yield "in between:", [str(each) for each in self.entities], self.entities_total
        if self.broken:
            yield "broken already:", _arrows(self.broken), self.broken_total
        if self.masked:
            yield "masked, and so not followed:", _arrows(self.masked), self.masked_total

    def _ways(self, models: Sequence[ImpactedModel], total: int) -> Iterable[str]:
        # A step is told apart by the way to it, so that ways which meet are drawn in full.
        below: dict[str, dict[str, Line]] = {}
        named = {model.id: model for model in models}
        for model in models:
            way = ""
            for step in model.path:
                if step.id == self.root.id:
                    continue
                further = f"{way}/{step.id}"
                text = str(named.get(step.id, step))
                below.setdefault(way, {})[further] = Line(text, further)
                way = further
        first = [*below.get("", {}).values()]
        if total > len(models):
            first.append(Line(f"… and {total - len(models)} more"))
        return draw(first, lambda key: [*below.get(key, {}).values()])


def _count(total: int, listed: Sequence[ImpactedModel]) -> str:
    versions = [each.node.kind == "modelVersion" for each in listed]
    if (any(versions) and not all(versions)) or total > len(listed) > 0:
        return f"{total} models and versions"
    word = "version" if any(versions) else "model"
    return f"{total or 'no'} {word}{'' if total == 1 else 's'}"


def _ends(raw: Iterable[dict[str, Any]]) -> list[Ends]:
    return [(LineageNode.of(each["from"]), LineageNode.of(each["to"])) for each in raw]


def _arrows(ends: Iterable[Ends]) -> list[str]:
    return [f"{start} → {end}" for start, end in ends]


def _models_table(models: Sequence[ImpactedModel], total: int) -> list[str]:
    if not models:
        return []
    rows = [
        [
            each.node.kind,
            markdown.code(each.fully_qualified_name),
            ", ".join(each.in_stages()),
            markdown.way(each.path),
        ]
        for each in models
    ]
    head = ["kind", "name", "stage", "by way of"]
    return ["", *markdown.table(head, rows), *_left_out(total, models)]


def _left_out(total: int, listed: Sequence[object]) -> list[str]:
    return ["", f"… and {total - len(listed)} more"] if total > len(listed) else []


def _certainty(entity: ImpactedEntity) -> str:
    return "certain" if entity.certain else "perhaps"

"""Where an MLflow server says that versions stand, and moving them there in the catalog.

What a person moved stays where it is: only moves of this connector are undone by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from headwater import names
from headwater.connectors.mlflow_source import Version
from headwater.connectors.report import ARCHIVED
from headwater.connectors.run import Run
from headwater.errors import ConflictError, InvalidInputError, NotFoundError
from headwater.sdk import Headwater

Stage = Literal["none", "staging", "production", "archived"]  # what MLflow has
_ORDER: tuple[Stage, ...] = ("production", "staging", "archived", "none")
"""What comes goes first, so that a model in production is never without a version there."""
_BY_WORD: dict[str, Stage] = {stage: stage for stage in _ORDER}
_LISTED = ("staging", "production")

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Wish:
    """Where the source has a version; ``at`` is since when at the latest, in milliseconds."""

    version: str
    stage: Stage
    at: int


class _Catalog:
    """Where the versions of one model are in the catalog; moves are read when they matter."""

    def __init__(self, run: Run, known: Json | None) -> None:
        self._run = run
        self._model = "" if known is None else str(known["id"])
        lifecycle: Json = (known or {}).get("lifecycle") or {}
        self.aliases = {
            str(each["alias"]): str(each["version"]["name"])
            for each in lifecycle.get("aliases", ())
        }
        self.listed = {
            str(version["name"]): str(each["stage"])
            for each in lifecycle.get("stages", ())
            for version in each["versions"]
        }
        self._moves: list[Json] | None = None
        self._moved: dict[str, int] = {}

    def changed_hands(self, stage: str) -> int:
        """When a version last came to a stage, or left it, in milliseconds; 0: none did."""
        moves = (m for m in self._all() if "alias" not in m["data"])
        at = (int(m["at"]) for m in moves if stage in (m["data"]["from"], m["data"]["to"]))
        return max(self._moved.get(stage, 0), *at, 0)

    def moved(self, version: str, to: str, at: int) -> None:
        """Remember a move that this run makes."""
        self._moved |= dict.fromkeys((self.listed.get(version, "none"), to), at)

    def take(self, stage: str) -> list[str]:
        """The versions that leave a stage because another comes, which are archived."""
        held = [version for version, at in self.listed.items() if at == stage]
        self.listed = {v: at for v, at in self.listed.items() if at != stage}
        return held

    def last_move(self, version: str) -> Json | None:
        """The last move of a version between stages."""
        return next(
            (m for m in self._all() if m["data"]["name"] == version and "alias" not in m["data"]),
            None,
        )

    def last_naming(self, alias: str) -> Json | None:
        """Who last gave an alias, or took it."""
        return next((m for m in self._all() if m["data"].get("alias") == alias), None)

    def is_others(self, move: Json | None) -> bool:
        """Whether it was made, and not by this connector."""
        return move is not None and move.get("producer") != self._run.producer

    def _all(self) -> list[Json]:
        if self._moves is None:
            hw, model = self._run.hw, self._model
            self._moves = list(hw.lifecycle(f"mlmodel:{model}")) if model else []
        return self._moves


class StageWriter:
    """Brings stages and aliases of versions to what the source says."""

    def __init__(self, run: Run, production_alias: str | None) -> None:
        """Make one; see ``Config`` for the alias."""
        self._run = run
        self._alias = production_alias

    def write(self, raw: Json, known: Json | None, versions: Mapping[str, Version]) -> None:
        """Set the stages and aliases of a model's versions.

        Args:
            raw: The registered model.
            known: The model as the catalog had it before this run, if it did.
            versions: Those that the catalog has, by FQN.
        """
        catalog = _Catalog(self._run, known)
        fqns = {str(version.number): fqn for fqn, version in versions.items()}
        aliases = {str(e["alias"]): str(e["version"]) for e in raw.get("aliases") or ()}
        wanted = {alias: name for alias, name in aliases.items() if name in fqns}
        for alias, name in wanted.items():
            self._note_hidden(alias, fqns[name])
            if catalog.aliases.get(alias) != name:
                self._set_alias(catalog, alias, fqns[name])
        for alias, name in catalog.aliases.items():
            if alias not in aliases and name in fqns:
                self._delete_alias(catalog, alias, fqns[name])
        wishes = [self._wish(raw, aliases, each) for each in versions.values()]
        for wish in sorted(wishes, key=lambda each: (_ORDER.index(each.stage), each.at)):
            alone = sum(each.stage == wish.stage for each in wishes) == 1
            self._move(catalog, wish, fqns[wish.version], alone=alone)

    # Inside

    def _wish(self, raw: Json, aliases: Mapping[str, str], version: Version) -> _Wish:
        name, stage = str(version.number), str(version.raw.get("current_stage") or "none").lower()
        at = version.raw.get("last_updated_timestamp")
        if self._alias is not None and aliases.get(self._alias) == name:
            stage, at = "production", raw.get("last_updated_timestamp")
        return _Wish(name, _BY_WORD.get(stage, "none"), int(at or 0))

    def _move(self, catalog: _Catalog, wish: _Wish, fqn: str, *, alone: bool) -> None:
        listed = catalog.listed.get(wish.version)
        if wish.stage == (listed or "none"):
            return  # an archived one is where the source has nothing, too
        last = catalog.last_move(wish.version)
        if last is not None and last["data"]["to"] == wish.stage:
            return
        if catalog.is_others(last):
            self._run.note(
                f"{fqn} is in {last['data']['to'] if last else ''!r} by {_who(last)}, and stays:"
                f" the source has it in {wish.stage!r}"
            )
            return
        at = max(wish.at, int(last["at"]) if last else 0)
        if alone:  # MLflow does not tell when an alias moved
            at = max(at, catalog.changed_hands(wish.stage))
        catalog.moved(wish.version, wish.stage, at)
        is_moved = self._do(
            fqn,
            f"stage {wish.stage}",
            lambda hw, id_: hw.set_stage(
                id_,
                wish.stage,
                reason="as in MLflow",
                effective_at=at or None,
                exclusive=alone if wish.stage in _LISTED else None,
                force=True,
            ),
        )
        if is_moved and alone and wish.stage in _LISTED:  # that archives those that are there
            for version in catalog.take(wish.stage):
                left = names.join(*names.split(fqn)[:-1], version)
                self._run.changed("modelVersion", left, ARCHIVED)

    def _set_alias(self, catalog: _Catalog, alias: str, fqn: str) -> None:
        if catalog.is_others(last := catalog.last_naming(alias)):
            self._run.note(f"the alias {alias!r} is as {_who(last)} set it; the source has {fqn}")
            return
        self._do(fqn, f"alias {alias}", lambda hw, id_: hw.set_alias(id_, alias))

    def _note_hidden(self, alias: str, fqn: str) -> None:
        """Tell of an alias that means something else here; the source may have it anyhow."""
        if alias == self._alias:
            return  # its version is moved to production
        if alias.lower() in _BY_WORD:
            means = "whichever version is in that stage"
        elif alias.isdecimal():
            means = "by this alias what has it, and no longer the version of that number"
        else:
            return
        self._run.note(f"the alias {alias!r} of {fqn}: {alias!r} finds {means}")

    def _delete_alias(self, catalog: _Catalog, alias: str, fqn: str) -> None:
        if not catalog.is_others(catalog.last_naming(alias)):
            self._do(fqn, f"no alias {alias}", lambda hw, id_: hw.delete_alias(id_, alias))

    def _do(self, fqn: str, what: str, call: Callable[[Headwater, str], object]) -> bool:
        """Do something to a version, unless this is a preview; return whether it is done."""
        run = self._run
        try:
            if not run.options.preview:
                call(run.hw, run.ids[f"modelVersion:{fqn}"])
        except (ConflictError, InvalidInputError, NotFoundError) as error:
            run.fail(f"modelVersion {fqn}", f"{what}: {error.message}")
            return False
        run.changed("modelVersion", fqn, what)
        return True


def _who(move: Json | None) -> str:
    return str((move or {}).get("recordedBy"))

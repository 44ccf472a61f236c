"""Which resource a path means: one step for each of its segments, however many paths there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Receive, Scope, Send

_REST = ":path"


@dataclass(slots=True)
class _Node:
    """What may follow some segments: words, else a parameter, else a parameter for all the rest."""

    words: dict[str, _Node] = field(default_factory=dict)
    parameter: tuple[str, _Node] | None = None
    rest: tuple[str, ASGIApp] | None = None
    here: ASGIApp | None = None

    def add(self, segments: list[str], resource: ASGIApp) -> None:
        """Put a resource below, at the path of the segments."""
        if not segments:
            self.here = resource
            return
        first, *others = segments
        if not first.startswith("{"):
            self.words.setdefault(first, _Node()).add(others, resource)
        elif first.endswith(_REST + "}"):
            self.rest = first[1:-1].removesuffix(_REST), resource
        else:
            name = first[1:-1]
            if self.parameter is None:
                self.parameter = name, _Node()
            if self.parameter[0] != name:
                raise ValueError(f"two names for one place: {self.parameter[0]!r} and {name!r}")
            self.parameter[1].add(others, resource)


class Paths:
    """Every path of the API: a middleware that answers those that it knows, and passes others on.

    FastAPI would first open what its own routes need, which costs as much as a read, and then try
    a list of routes one by one. Where a word and a parameter both fit, the word counts, unless
    nothing lies where the path then leads.

    Args:
        app: What is given requests of other paths.
        resources: By path, with ``{parameters}``; ``{name:path}`` is all the rest, slashes too.
            They answer every error themselves.
    """

    def __init__(self, app: ASGIApp, *, resources: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._root = _Node()
        for path, resource in resources.items():
            self._root.add(path.split("/")[1:], resource)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the resource answer that the path names, or whatever comes behind."""
        app = self._app
        if scope["type"] == "http":
            path: str = scope["path"].removeprefix(scope.get("root_path", ""))
            if path[:1] == "/":
                parameters: dict[str, str] = {}
                if resource := _find(self._root, path.split("/"), 1, parameters):
                    app, scope["path_params"] = resource, parameters
        await app(scope, receive, send)


def _find(
    node: _Node, segments: list[str], index: int, parameters: dict[str, str]
) -> ASGIApp | None:
    if index == len(segments):
        return node.here
    segment = segments[index]
    word = node.words.get(segment)
    if word and (found := _find(word, segments, index + 1, parameters)):
        return found
    if node.parameter and segment:
        name, below = node.parameter
        if found := _find(below, segments, index + 1, parameters):
            parameters[name] = segment
            return found
    if node.rest:
        name, resource = node.rest
        parameters[name] = "/".join(segments[index:])
        return resource
    return None

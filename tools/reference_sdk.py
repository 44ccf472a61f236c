"""The reference of the SDK, from its signatures and docstrings."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import textwrap
from typing import Any

import headwater
from headwater import generated
from headwater.schemas import kinds

INTRODUCTION = """# Python SDK

`from headwater import …`. The classes of entities are {}; those of requests have the same
names after `Create`. Properties are spelled as in JSON (`mlFeatures`) or in snake_case
(`ml_features`).

"""
_SECTION = re.compile(r"(Args|Returns|Raises|Attributes|Example|Yields):")
_ITEM = re.compile(r"    (\*{0,2}\w+): (.*)")
_NEXT = "\n# next\n"


def sdk() -> str:
    """The client's methods, other classes, functions, errors."""
    names = [n for n in headwater.__all__ if n not in generated.__all__ and n[0] != "_"]
    public = {name: getattr(headwater, name) for name in names}
    classes = {name: thing for name, thing in public.items() if isinstance(thing, type)}
    functions = {n: f for n, f in sorted(public.items()) if n not in classes}
    errors = {n: c for n, c in classes.items() if issubclass(c, headwater.HeadwaterError)}
    others = {n: c for n, c in sorted(classes.items()) if n not in errors}
    told = {"Headwater": others.pop("Headwater"), **others}
    methods = [f for cls in told.values() for f in _public(cls).values() if inspect.isfunction(f)]
    signatures = _signatures([*methods, *functions.values()])
    titles = ", ".join(f"`{kind.title}`" for kind in kinds().values())
    return "".join(
        [
            INTRODUCTION.format(titles),
            *(_class(name, cls, signatures) for name, cls in told.items()),
            "## Functions\n\n",
            *(_function(name, function, signatures) for name, function in functions.items()),
            "## Errors\n\n| error | code | is a | |\n|---|---|---|---|\n",
            *(_error(name, cls) for name, cls in sorted(errors.items())),
        ]
    )


def _class(name: str, cls: type, signatures: dict[Any, str]) -> str:
    text = f"## {name}\n\n{_told(cls)}"
    for title, function in _public(cls).items():
        text += _function(f"{name}.{title}", function, signatures)
    return text


def _function(name: str, function: Any, signatures: dict[Any, str]) -> str:
    text = f"### {name}\n\n"
    if function in signatures:
        text += f"```python\n{signatures[function]}\n```\n\n"
    return text + _told(function)


def _public(cls: type) -> dict[str, Any]:
    """A class's public methods and properties by name, its bases' first."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("headwater."):
            # A copy: pydantic completes a class while it is looked at.
            for name, value in dict(vars(base)).items():
                function = getattr(value, "__func__", value)
                if name[0] != "_" and isinstance(function, (type(_public), property)):
                    found[name] = function
    return found


def _signatures(functions: list[Any]) -> dict[Any, str]:
    """The signatures of functions, as the source has them, formatted."""
    source = _NEXT.join(map(_signature, functions))
    command = [sys.executable, "-m", "ruff", "format", "--line-length", "96", "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=True)
    formatted = [text.strip() for text in done.stdout.split(_NEXT.strip())]
    return dict(zip(functions, formatted, strict=True))


def _signature(function: Any) -> str:
    # Of an overloaded method this is the implementation: all that may be given, at once.
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(node, ast.FunctionDef)  # noqa: S101  # for the type checker
    node.decorator_list, node.body = [], [ast.Expr(ast.Constant(...))]
    if "." in function.__qualname__:  # self
        del node.args.args[:1]
    return ast.unparse(node)


def _told(thing: Any) -> str:
    """A docstring as Markdown, its sections as lists."""
    lines: list[str] = []
    section = ""
    for line in (inspect.getdoc(thing) or "").splitlines():
        if found := _SECTION.fullmatch(line):
            section = found[1]
            lines += [f"{section}:", ""]
        elif section in ("Args", "Raises", "Attributes") and (item := _ITEM.match(line)):
            lines.append(f"- `{item[1]}`: {item[2]}")
        elif section in ("", "Example"):
            lines.append(line)
        else:
            lines.append("  " * line.startswith(" " * 8) + line.strip())
    return "\n".join(lines).replace("``", "`") + "\n\n"


def _error(name: str, cls: type) -> str:
    about = (inspect.getdoc(cls) or "").splitlines()[0].replace("``", "`")
    return (
        f"| `{name}` | `{getattr(cls, 'code', '')}` | `{cls.__bases__[0].__name__}` | {about} |\n"
    )

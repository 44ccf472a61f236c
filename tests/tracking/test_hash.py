"""Equal hashes say that a step would do the same again; different ones, that it may not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from headwater import InvalidInputError
from headwater.tracking.hash import cache_key, code_hash, value_hash

ROOT = Path(__file__).parents[2]
MODULE = '''
LIMIT = 3
WORDS = {"b": [1]}

def helper(x):
    return x + 1

class Scaler:
    factor = 2
    def scale(self, x):
        return x * self.factor

def step(x, gamma=0.5):
    """What it does."""
    if x in {"one", "two", "three"}:
        return LIMIT
    return Scaler().scale(helper(x)) * gamma + len(WORDS)
'''


def of(source: str) -> str:
    module = ModuleType("steps")
    sys.modules["steps"] = module  # where a dataclass looks itself up
    namespace = vars(module)
    exec(compile(source, "steps.py", "exec"), namespace)  # noqa: S102  (as a notebook does)
    return code_hash(namespace["step"])


def test_comments_layout_and_decorators_do_not_count() -> None:
    moved = "\n# moved down\n" + MODULE.replace("LIMIT = 3", "LIMIT = 3  # three")
    assert of(moved) == of(MODULE)
    decorated = MODULE.replace("def step", "same = lambda f: f\n@same\ndef step")
    assert of(decorated) == of(MODULE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("* gamma", "/ gamma"),
        ("gamma=0.5", "gamma=0.25"),
        ("LIMIT = 3", "LIMIT = 4"),
        ('{"b": [1]}', '{"b": [2]}'),
        ("return x + 1", "return x + 2"),
        ("factor = 2", "factor = 3"),
        ("x * self.factor", "x / self.factor"),
        ("gamma=", "gamma: int ="),
        ('"three"}', '"four"}'),
    ],
)
def test_what_the_function_does_counts(old: str, new: str) -> None:
    assert MODULE.count(old) == 1
    assert of(MODULE.replace(old, new)) != of(MODULE)


HELD = """
import dataclasses, functools, re
import numpy as np, pandas as pd, polars as pl
from datetime import date
from headwater import step as decorated

ARRAY = np.array([1, 2])
FRAME = pd.DataFrame({"a": [3]})
OTHER = pl.DataFrame({"a": [4]})
WORDS = frozenset({"five", "six", "seven"})
NUMBERS = {(8, 9): {10}}
PATTERN = re.compile("a{11}")
DAY = date(2026, 5, 12)
PART = functools.partial(int, "13", base=20)

@dataclasses.dataclass
class Setting:
    value: int

SETTING = Setting(14)

@decorated
def inner():
    return 15

@functools.lru_cache
def kept():
    return 16

def step():
    return (ARRAY, FRAME, OTHER, WORDS, NUMBERS, PATTERN, DAY, PART, SETTING, inner(), kept())
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1, 2]", "1, 3]"),
        ("[3]", "[4]"),
        ("[4]", "[5]"),
        ("five", "eight"),
        ("9)", "7)"),
        ("{10}", "{11}"),
        ("{11}", "{12}"),
        ("5, 12", "5, 13"),
        ('"13"', '"14"'),
        ("base=20", "base=21"),
        ("Setting(14)", "Setting(15)"),
        ("return 15", "return 16"),
        ("return 16", "return 17"),
    ],
)
def test_what_the_function_names_counts_by_its_content(old: str, new: str) -> None:
    assert HELD.count(old) == 1
    assert of(HELD.replace(old, new)) != of(HELD) == of(HELD)


def test_what_cannot_be_looked_at_counts_by_its_type() -> None:
    source = """
class Proxy:
    def __getattr__(self, name): raise RuntimeError(name)
    def __repr__(self): raise RuntimeError("no words")
proxy, loop = Proxy(), []
loop.append(loop)
def step(): return proxy, loop
"""
    assert of(source) == of(source)


def test_variables_of_the_function_around_count() -> None:
    def make(factor: Any, inner: Any) -> Any:
        def step(x: float) -> Any:
            return inner(x * factor)

        return step

    assert code_hash(make(2, abs)) == code_hash(make(2, abs))
    assert code_hash(make(2, abs)) != code_hash(make(3, abs))
    frames = [pd.DataFrame({"a": [value]}) for value in (1, 1, 2)]
    hashes = [code_hash(make(frame, abs)) for frame in frames]
    assert hashes[0] == hashes[1] != hashes[2]


def test_arrays_and_frames_may_be_left_out_and_nothing_else() -> None:
    def make(held: Any, factor: int = 2) -> Any:
        def step() -> Any:
            return held, factor

        return code_hash(step, data=False)

    class Own(np.ndarray):
        pass

    for one, other in (
        (np.arange(3), np.arange(4)),
        (np.arange(3).view(Own), np.arange(4).view(Own)),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": ["x", None]})),
        (pl.Series([1]), pl.Series([2])),
    ):
        assert make(one) == make(other)
        assert make(one) != make(one, 3)
        assert make([one, 1]) != make([one, 2])
    assert make(np.arange(3)) != make(pl.Series([1]))


def test_functions_that_name_each_other_have_a_hash() -> None:
    assert of("def step(x):\n  return other(x)\ndef other(x):\n  return step(x)").startswith(
        "sha256:"
    )


def test_hashes_are_the_same_in_every_process() -> None:
    code = (
        "from tests.tracking.test_hash import *;"
        "print(of(MODULE), of(HELD));"
        "print(value_hash({'a': 1, 'b': [0.1]}), value_hash(pd.DataFrame({'a': [1]})))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=True)
        for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout


def test_values_are_told_apart_by_content_and_by_type() -> None:
    values = [1, 1.5, True, None, "1", b"1", [1], {"a": 1}, np.array([1]), pd.Series([1])]
    assert len({value_hash(value) for value in values}) == len(values)
    assert value_hash(np.float64(1.5)) == value_hash(1.5)
    with pytest.raises(InvalidInputError, match="no materializer writes a object"):
        value_hash(object())


def test_a_key_is_of_code_parameters_and_inputs() -> None:
    key = cache_key("sha256:c", {"a": 1, "b": "x"}, {"rows": "sha256:r"})
    assert key == cache_key("sha256:c", {"b": "x", "a": 1}, {"rows": "sha256:r"})
    others = [
        cache_key("sha256:d", {"a": 1, "b": "x"}, {"rows": "sha256:r"}),
        cache_key("sha256:c", {"a": 2, "b": "x"}, {"rows": "sha256:r"}),
        cache_key("sha256:c", {"a": 1, "b": "x"}, {"rows": "sha256:s"}),
        cache_key("sha256:c", {"a": 1, "b": "x"}, {"cols": "sha256:r"}),
        cache_key("sha256:c", {"a": 1, "b": "x", "rows": "sha256:r"}, {}),
    ]
    assert key not in others
    assert len(set(others)) == len(others)

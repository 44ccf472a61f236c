"""What a step uses of its module, of whatever kind, is in the hash of its code, or is told."""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from headwater.tracking.hash import CodeContent, code_content

ROOT = Path(__file__).parents[2]

CASES = {
    "base method": "class B:\n  def m(self): return VAL\nclass K(B): pass\ndef f(): return K().m()",
    "base attribute": "class B:\n  v = VAL\nclass K(B): pass\ndef f(): return K.v",
    "super": """
class B:
    def m(self): return VAL
class K(B):
    def m(self): return super().m()
def f(): return K().m()""",
    "abstract base": """
import abc
class B(abc.ABC):
    @abc.abstractmethod
    def m(self): ...
    def h(self): return VAL
class K(B):
    def m(self): return self.h()
def f(): return K().m()""",
    "mixin of a builtin": "class M:\n  v = VAL\nclass K(M, dict): pass\ndef f(): return K().v",
    "base of a library": (
        "import collections\nclass K(collections.UserDict):\n  v = VAL\ndef f(): return K().v"
    ),
    "metaclass": "class M(type):\n  z = VAL\nclass K(metaclass=M): pass\ndef f(): return K.z",
    "generic class": """
from typing import Generic, TypeVar
T = TypeVar("T")
class K(Generic[T]):
    v = VAL
def f(): return K[int]().v""",
    "nested class": "class K:\n  class I:\n    v = VAL\ndef f(): return K.I.v",
    "static method": "class K:\n  @staticmethod\n  def s(): return VAL\ndef f(): return K.s()",
    "class method": "class K:\n  @classmethod\n  def s(c): return VAL\ndef f(): return K.s()",
    "property": "class K:\n  p = property(lambda s: VAL)\ndef f(): return K().p",
    "cached property": """
import functools
class K:
    @functools.cached_property
    def p(self): return VAL
def f(): return K().p""",
    "partial method": """
import functools
class K:
    def g(self, v): return v
    m = functools.partialmethod(g, VAL)
def f(): return K().m()""",
    "descriptor": """
class D:
    def __init__(self, v): self.v = v
    def __get__(self, o, t): return self.v
class K:
    d = D(VAL)
def f(): return K().d""",
    "bound method": """
class K:
    def __init__(self, v): self.v = v
    def m(self): return self.v
G = K(VAL).m
def f(): return G()""",
    "slots": """
class S:
    __slots__ = ("v",)
    def __init__(self, v): self.v = v
I = S(VAL)
def f(): return I.v""",
    "dataclass with slots": """
import dataclasses
@dataclasses.dataclass(frozen=True, slots=True)
class S:
    v: int
I = S(VAL)
def f(): return I.v""",
    "dataclass default": """
import dataclasses
@dataclasses.dataclass
class S:
    v: list = dataclasses.field(default_factory=lambda: [VAL])
def f(): return S().v""",
    "named tuple": (
        "import collections\nK = collections.namedtuple('K', 'v', defaults=[VAL])\n"
        "def f(): return K().v"
    ),
    "pydantic default": (
        "import pydantic\nclass K(pydantic.BaseModel):\n  v: int = VAL\ndef f(): return K().v"
    ),
    "pydantic constraint": """
import pydantic
class K(pydantic.BaseModel):
    v: int = pydantic.Field(9, gt=VAL)
def f(): return K(v=2).v""",
    "pydantic validator": """
import pydantic
class K(pydantic.BaseModel):
    v: int
    @pydantic.field_validator("v")
    def check(cls, v): return v + VAL
def f(): return K(v=2).v""",
    "pydantic object": (
        "import pydantic\nclass K(pydantic.BaseModel):\n  v: int\nI = K(v=VAL)\ndef f(): return I.v"
    ),
    "enumeration": (
        "import enum\nclass E(enum.Enum):\n  A = 1\n  B = 2\nN = E(VAL)\ndef f(): return N.value"
    ),
    "value of an enumeration": (
        "import enum\nclass E(enum.IntEnum):\n  A = VAL\ndef f(): return E.A + 1"
    ),
    "namespace": "import types\nN = types.SimpleNamespace(v=VAL)\ndef f(): return N.v",
    "arguments": "import argparse\nN = argparse.Namespace(v=VAL)\ndef f(): return N.v",
    "view of a mapping": "import types\nN = types.MappingProxyType({'v': VAL})\ndef f(): return N",
    "default": (
        "import collections\nN = collections.defaultdict(lambda: VAL)\ndef f(): return N['z']"
    ),
    "deque": "import collections\nN = collections.deque([VAL])\ndef f(): return N[0]",
    "user dict": "import collections\nN = collections.UserDict(v=VAL)\ndef f(): return N['v']",
    "chain": "import collections\nN = collections.ChainMap({'v': VAL})\ndef f(): return N['v']",
    "array": "import array\nN = array.array('i', [VAL])\ndef f(): return N[0]",
    "bytes": "N = bytearray([VAL])\ndef f(): return N[0]",
    "slice": "N = slice(0, VAL)\ndef f(): return [1, 2, 3][N]",
    "getter": "import operator\nN = operator.itemgetter(VAL)\ndef f(): return N([1, 2, 3])",
    "attribute of a list": "class L(list): pass\nN = L()\nN.v = VAL\ndef f(): return N.v",
    "attribute of a dict": "class D(dict): pass\nN = D()\nN.v = VAL\ndef f(): return N.v",
    "attribute of a number": "class I(int): pass\nN = I(1)\nN.v = VAL\ndef f(): return N.v",
    "attribute of a function": "def g(): pass\ng.v = VAL\ndef f(): return g.v",
    "context variable": (
        "import contextvars\nN = contextvars.ContextVar('n', default=VAL)\ndef f(): return N.get()"
    ),
    "decorator": """
import functools
def times(k):
    def outer(g):
        @functools.wraps(g)
        def inner(): return g() * k
        return inner
    return outer
@times(VAL)
def g(): return 1
def f(): return g()""",
    "context manager": """
import contextlib
@contextlib.contextmanager
def g(): yield VAL
def f():
    with g() as v: return v""",
    "dispatch": """
import functools
@functools.singledispatch
def g(a): return 1
@g.register
def _(a: int): return VAL
def f(): return g(1)""",
    "cache": "import functools\n@functools.cache\ndef g(): return VAL\ndef f(): return g()",
    "second of two partials": """
import functools
def k(fn=None): return fn()
def a(): return 1
def b(): return VAL
P = functools.partial(k, fn=a)
Q = functools.partial(k, fn=b)
def f(): return P() + Q()""",
    "handler": "def f():\n  try: return g()\n  except NameError: return VAL\n",
    "default that is an object": """
class K:
    def __init__(self, v): self.v = v
def g(k=K(VAL)): return k.v
def f(): return g()""",
    "large array": "import numpy as np\nN = np.full(3_000_000, VAL)\ndef f(): return N[0]",
    "array across": "import numpy as np\nN = np.full((9, 9), VAL)[:, ::2]\ndef f(): return N[0]",
    "array of objects": (
        "import numpy as np\nN = np.array([VAL, None], dtype=object)\ndef f(): return N[0]"
    ),
    "large frame": (
        "import pandas as pd, numpy as np\nN = pd.DataFrame({'a': np.full(3_000_000, VAL)})\n"
        "def f(): return N"
    ),
    "frame of mixed columns": """
import pandas as pd
N = pd.DataFrame({
    "a": ["x", "y" * VAL], "b": [1, None], "c": pd.Categorical(["u", "v"]), "d": [[1], {2: 3}],
    "e": pd.to_datetime(["2020-01-01", "2021-01-01"]), 6: pd.array([1, None], dtype="Int64"),
})
def f(): return N""",
    "value of text": "import pandas as pd\nN = pd.Series(['x', 'y' * VAL])\ndef f(): return N",
    "category": (
        "import pandas as pd\nN = pd.Categorical(['a'], list('abc')[:VAL])\ndef f(): return N"
    ),
    "times": "import pandas as pd\nN = pd.to_datetime(['2020-01-0VAL'])\ndef f(): return N",
    "moment": "import pandas as pd\nN = pd.Timestamp(2020, 1, VAL)\ndef f(): return N.day",
    "index": "import pandas as pd\nN = pd.Index([VAL])\ndef f(): return N[0]",
    "levels": (
        "import pandas as pd\nN = pd.MultiIndex.from_tuples([('a', VAL)])\ndef f(): return N[0]"
    ),
    "frame of polars": (
        "import polars as pl\nN = pl.DataFrame({'a': [VAL], 'b': ['x']})\ndef f(): return N"
    ),
    "sparse": "import scipy.sparse as s\nN = s.csr_matrix([[VAL, 0]])\ndef f(): return N",
    "random numbers": "import numpy as np\nN = np.random.default_rng(VAL)\ndef f(): return N",
    "estimator": (
        "from sklearn.linear_model import LogisticRegression as L\nN = L(C=VAL)\ndef f(): return N"
    ),
    "estimator with a function": (
        "from sklearn.preprocessing import FunctionTransformer as F\n"
        "N = F(lambda x: x + VAL)\ndef f(): return N"
    ),
    "set of functions": "N = {lambda: 1, lambda: VAL}\ndef f(): return sum(g() for g in N)",
    "set of objects": """
class K:
    def __init__(self, v): self.v, self.others = v, set()
N = {K(each) for each in (VAL, 3, 4)}
for each in N: each.others |= N
def f(): return N""",
    "path": "import pathlib\nN = pathlib.Path('x' * VAL)\ndef f(): return N",
    "pattern": "import re\nN = re.compile('a{VAL}')\ndef f(): return N",
    "list that holds itself": "N = [VAL]\nN.append(N)\ndef f(): return N",
    "two lists in one place": "A = [1]\nB = [VAL]\nN = [A, B]\ndef f(): return N",
    "attribute of a frame": (
        "import pandas as pd\nN = pd.DataFrame({'a': [1]})\nN.v = VAL\ndef f(): return N.v"
    ),
    "attribute of a kept function": """
import functools
@functools.cache
def g(): pass
g.v = VAL
def f(): return g.v""",
    "list that is an estimator": (
        "from sklearn.base import BaseEstimator\nclass K(list, BaseEstimator): pass\n"
        "N = K([VAL])\ndef f(): return N"
    ),
    "slots of an enumeration": """
import enum
class S:
    __slots__ = ()
class E(S, enum.Enum):
    A = 1
E.A.v = VAL
def f(): return E.A.v""",
    "date with more": (
        "import datetime\nclass D(datetime.date): pass\nN = D(2020, 1, 1)\nN.v = VAL\n"
        "def f(): return N.v"
    ),
    "error": (
        "class E(Exception):\n  def __init__(self, v): self.v = v\nN = E(VAL)\ndef f(): raise N"
    ),
    "values of a dict": "N = {'a': VAL}.values()\ndef f(): return list(N)",
    "function within": (
        "def g():\n  def h(): return K\n  return h\nK = VAL\ndef f(): return g()()"
    ),
}


def of(source: str, name: str = "umod") -> CodeContent:
    module = ModuleType(name)
    sys.modules[name] = module  # where a dataclass looks itself up
    exec(compile(source, f"{name}.py", "exec"), vars(module))  # noqa: S102  (as a notebook does)
    return code_content(vars(module)["f"])


def with_value(case: str, value: int) -> CodeContent:
    return of(CASES[case].replace("VAL", str(value)))


@pytest.mark.parametrize("case", CASES)
def test_what_a_step_uses_is_in_the_hash_of_its_code(case: str) -> None:
    first = with_value(case, 1)
    assert not first.unknown
    assert with_value(case, 1) == first
    assert with_value(case, 2).hash != first.hash


def test_hashes_are_the_same_whatever_the_order_of_sets() -> None:
    code = (
        "from tests.tracking.test_content import *\nfor c in CASES: print(c, with_value(c, 1).hash)"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout.splitlines()
        for seed in ("1", "2")
    ]
    assert len(told[0]) == len(CASES)
    assert told[0] == told[1]


def test_where_code_stands_and_what_it_does_not_use_do_not_count() -> None:
    source = "LIMIT = 1\ndef g(): return LIMIT\ndef f(x): return g() + x.other"
    moved = "other = object()\nimport os\n\n\n" + source
    assert of(source) == of(moved)


@pytest.mark.parametrize(
    "made",
    [
        "(each for each in [1])",
        "__import__('sys').__stderr__",
        "memoryview(b'1')",
        "__import__('numpy').frompyfunc(lambda x: x + 1, 1, 1)",
        "__import__('threading').local()",
    ],
)
def test_what_cannot_be_hashed_is_told_by_its_name(made: str) -> None:
    (unknown,) = of(
        f"class K: pass\nhidden = {made}\nN = K()\nN.inner = [hidden]\ndef f(): return N"
    ).unknown
    assert unknown.startswith("uses N, of which the content is not known (")


@pytest.mark.parametrize(
    "source",
    [
        "from numpy import mean, add\ndef f(): return mean([add(1, 2)])",
        "from scipy.special import expit\nN = [expit]\ndef f(): return N",
        "from pydantic_core import PydanticUndefined as N\ndef f(): return N",
        "from headwater import Client, Model, step\nN = Client(), Model('a')\n"
        "@step\ndef g(): return N\ndef f(): return g()",
    ],
)
def test_what_libraries_define_counts_by_its_name(source: str) -> None:
    assert not of(source).unknown
    assert of(source) == of(source)


def test_code_of_the_user_is_not_run_to_look_at_an_object() -> None:
    assert not of("""
def fail(*_): raise AssertionError("was run")
class K:
    __getattr__ = __getattribute__ = __reduce__ = __getstate__ = __iter__ = __eq__ = fail
    __len__ = __bool__ = __repr__ = __hash__ = __class__ = property(fail)
N = [K()]
def f(): return N
""").unknown


OTHER = """
LIMIT = VAL
UNUSED = memoryview(b"")
def g(): return LIMIT
"""


@pytest.mark.parametrize(
    "source",
    [
        "import helpers\ndef f(): return helpers.LIMIT",
        "import helpers\ndef f(): return helpers.g()",
        "from helpers import g\ndef f(): return g()",
        "import helpers\ndef h(): return helpers.UNUSED_TOO\ndef f(): h(); return helpers.LIMIT",
        "def f():\n  import helpers\n  return helpers.LIMIT",
        "def f():\n  from helpers import g\n  return g()",
        "import helpers\ndef h(k):\n  def f(): return k.LIMIT\n  return f\nf = h(helpers)",
        "import types\nimport helpers\npkg = types.ModuleType('pkg')\npkg.helpers = helpers\n"
        "def f(): return pkg.helpers.g()",
    ],
)
def test_another_module_of_the_user_counts_by_what_is_used_of_it(source: str) -> None:
    found = []
    for value in ("1", "1", "2"):
        helpers = ModuleType("helpers")
        sys.modules["helpers"] = helpers
        exec(OTHER.replace("VAL", value), vars(helpers))  # noqa: S102  (as above)
        found.append(of(source))
    assert found[0] == found[1]
    assert found[0].hash != found[2].hash
    assert not found[0].unknown


@pytest.mark.parametrize(
    "source",
    [
        "import helpers\ndef f(): return getattr(helpers, 'LIMIT')",
        "def f():\n  import helpers\n  return getattr(helpers, 'LIMIT')",
        "import helpers\ndef h(k):\n  def f(): return id(k)\n  return f\nf = h(helpers)",
        "import helpers\nN = [helpers]\ndef f(): return N[0].LIMIT",
    ],
)
def test_a_module_that_is_handed_on_is_told(source: str) -> None:
    sys.modules["helpers"] = ModuleType("helpers")
    (unknown,) = of(source).unknown
    assert unknown.endswith(", of which the content is not known (module)")


def test_a_module_that_is_not_loaded_yet_is_told_unless_it_is_of_a_library() -> None:
    sys.modules["helpers"] = ModuleType("helpers")
    unknown = of("""
def f():
    import no_such_module
    from helpers import later
    import turtledemo
    return no_such_module.LIMIT, later, turtledemo
""").unknown
    assert sorted(unknown) == [
        "imports helpers.later, which is not loaded yet",
        "imports no_such_module, which is not loaded yet",
    ]


def test_each_function_counts_what_it_uses_of_a_package() -> None:
    found = []
    for value in (1, 2):
        package, inner = ModuleType("pkg"), ModuleType("pkg.inner")
        vars(package)["inner"] = inner
        vars(inner).update(A=1, B=value, pkg=package)
        sys.modules |= {"pkg": package, "pkg.inner": inner}
        source = (
            "import pkg\ndef g(): return pkg.inner.pkg.inner.B\ndef f(): return pkg.inner.A, g()"
        )
        found.append(of(source))
    assert found[0].hash != found[1].hash
    assert not found[0].unknown


def test_a_library_that_is_not_loaded_yet_counts_by_its_version() -> None:
    code = (
        "import sys; from tests.tracking.test_content import of;"
        "a = of('def f():\\n  import sklearn.svm\\n  return sklearn.svm');"
        "assert 'sklearn' not in sys.modules and not a.unknown; import sklearn.svm;"
        "print(a == of('def f():\\n  import sklearn.svm\\n  return sklearn.svm'))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT)
    assert run.stdout.strip() == b"True"


def test_an_object_that_fails_to_say_what_it_is_is_told() -> None:
    source = """
import logging
class Odd(logging.Logger): name = property(lambda self: 1 / 0)
N = Odd.__new__(Odd)
def f(): return N
"""
    (unknown,) = of(source).unknown
    assert unknown == "uses N, of which the content is not known (umod.Odd)"


def test_a_chain_of_many_functions_has_a_hash() -> None:
    chain = "".join(f"def g{number}(): return g{number + 1}()\n" for number in range(2000))
    source = f"{chain}def g2000(): return VAL\ndef f(): return g0()"
    first, second = (of(source.replace("VAL", value)) for value in "12")
    assert first.hash != second.hash
    assert not first.unknown
    deep = of("N = []\nfor _ in range(10000): N = [N]\ndef f(): return N")
    assert deep.unknown == ["uses N, which nests too deeply"]


def test_sets_of_objects_that_hold_each_other_without_end_are_told() -> None:
    (unknown,) = of("""
class K:
    def __init__(self): self.others = set()
N = {K() for _ in range(40)}
for each in N: each.others |= N
def f(): return N
""").unknown
    assert unknown == "uses N, which holds too many objects to look at each"


def test_equal_constants_count_alike_whether_they_are_one_object() -> None:
    first = of("def g(): return ((1, 2), (3, 4))\ndef f(): return g(), ((1, 2), (3, 4))")
    module = ModuleType("umod")
    for source in ("def g(): return ((1, 2), (3, 4))", "def f(): return g(), ((1, 2), (3, 4))"):
        exec(marshal.loads(marshal.dumps(compile(source, "", "exec"))), vars(module))  # noqa: S102, S302
    assert code_content(vars(module)["f"]) == first

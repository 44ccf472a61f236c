"""Values whose type decides how they are looked at: what each comes down to."""

from __future__ import annotations

import functools
import logging
import sys
import threading
import types
import typing
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from enum import Enum
from typing import Any

from headwater.tracking import content_data as data
from headwater.tracking.content_code import library_of
from headwater.tracking.content_state import attributes, own


def _none(_: Any) -> tuple[Any, ...]:
    return ()


def _generic(value: Any) -> tuple[Any, ...]:
    return (value.__origin__, value.__args__, getattr(value, "__metadata__", ()))


def _variable(value: Any) -> tuple[Any, ...]:
    return (
        value.__name__,
        getattr(value, "__bound__", None),
        getattr(value, "__constraints__", ()),
    )


def _descriptor(value: Any) -> tuple[Any, ...]:
    library = library_of(value.__objclass__.__module__)
    if library is None:
        raise TypeError("a method of a compiled class of the user's own")
    return (library, value.__objclass__.__qualname__, value.__name__)


def _estimator(value: Any) -> tuple[Any, ...] | None:
    if library_of(type(value).__module__) is None:
        return None
    held = attributes(value)  # and not the address at which it checked its words
    return ({name: each for name, each in held.items() if name != "_stop_words_id"},)


def _random(value: Any) -> tuple[Any, ...] | None:
    """The generator that all share is known by that: what it gives next is not in any code."""
    shared = sys.modules["numpy.random"].mtrand._rand
    return ("shared",) if value is shared else None


def _context_variable(value: ContextVar[Any]) -> tuple[Any, ...]:
    try:
        return (value.name, value.get())
    except LookupError:
        return (value.name,)


_KNOWN: dict[type, Callable[[Any], tuple[Any, ...]]] = {
    types.MethodType: lambda value: (value.__func__, value.__self__),
    property: lambda value: (value.fget, value.fset, value.fdel),
    classmethod: lambda value: (value.__func__,),
    staticmethod: lambda value: (value.__func__,),
    types.MappingProxyType: lambda value: (dict(value),),
    type({}.keys()): lambda value: (list(value),),
    type({}.values()): lambda value: (list(value),),
    type({}.items()): lambda value: (list(value),),
    types.GetSetDescriptorType: lambda value: (value.__name__,),
    types.MemberDescriptorType: lambda value: (value.__name__,),
    types.WrapperDescriptorType: _descriptor,
    types.MethodDescriptorType: _descriptor,
    types.ClassMethodDescriptorType: _descriptor,
    types.GenericAlias: _generic,
    types.UnionType: lambda value: (value.__args__,),
    type(functools.lru_cache(len)): lambda value: (attributes(value), value.cache_parameters()),
    type(typing.List[int]): _generic,  # noqa: UP006  (the class of its own)
    typing.TypeVar: _variable,
    typing.ParamSpec: _variable,
    typing.NewType: lambda value: (value.__name__, value.__supertype__),
    typing.ForwardRef: lambda value: (value.__forward_arg__,),
    type(typing.ClassVar): lambda value: (repr(value),),
    type(typing.List): lambda value: (repr(value),),  # noqa: UP006  (as above)
    ContextVar: _context_variable,
    weakref.ref: lambda value: (value(),),
    Enum: lambda value: (value._name_, value._value_),
    logging.Logger: lambda value: (value.name,),
    type(threading.Lock()): _none,
    type(threading.RLock()): _none,
}
_NAMED: dict[str, Callable[[Any], tuple[Any, ...] | None]] = {
    "headwater.tracking.step.Step": lambda value: (value.function,),
    "headwater.tracking.pipeline.Pipeline": lambda value: (value.function,),
    "headwater.tracking.model.Model": lambda value: (value._wanted,),
    "headwater.tracking.artifact.ArtifactHandle": lambda value: (value.fqn,),
    "headwater.tracking.client.Client": _none,
    "headwater.sdk.client.Headwater": _none,
    "os._Environ": _none,
    "numpy.random.mtrand.RandomState": _random,
    "sklearn.base.BaseEstimator": _estimator,
    "pydantic._internal._decorators.Decorator": lambda value: (value.func, value.info),
}
_DATA: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    "numpy.ndarray": data.array,
    "pandas.DataFrame": data.frame,
    "pandas.core.frame.DataFrame": data.frame,
    "pandas.Series": data.series,
    "pandas.core.series.Series": data.series,
    "pandas.Index": data.index,
    "pandas.core.indexes.base.Index": data.index,
    "pandas.MultiIndex": data.multi_index,
    "pandas.core.indexes.multi.MultiIndex": data.multi_index,
    "pandas.api.extensions.ExtensionArray": data.extension_array,
    "pandas.core.arrays.base.ExtensionArray": data.extension_array,
    "polars.dataframe.frame.DataFrame": data.polars,
    "polars.series.series.Series": data.polars,
}
"""By names, since these are loaded where there are values of theirs."""


def known(value: Any) -> tuple[Any, ...] | None:
    """Return what a value comes down to; None of those whose types are not known here.

    Each part is to be looked at in turn.
    """
    cls = type(value)
    for base in cls.__mro__:
        if base in _KNOWN:
            return (*_KNOWN[base](value), *(() if library_of(cls.__module__) else own(value)))
        name = f"{base.__module__}.{base.__qualname__}"
        if found := _NAMED.get(name) or _DATA.get(name):
            return found(value)
    return None


def is_data(cls: type) -> bool:
    """Whether values of a type are arrays or frames."""
    return any(f"{base.__module__}.{base.__qualname__}" in _DATA for base in cls.__mro__)

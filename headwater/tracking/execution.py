"""Carrying out a step: its arguments, the cache, the function itself, and what it returned."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headwater.errors import HeadwaterError, InvalidInputError
from headwater.tracking.argument import flat, replace
from headwater.tracking.artifact import ArtifactHandle
from headwater.tracking.artifact_write import artifact_type
from headwater.tracking.capture import Read, recording
from headwater.tracking.context import _step
from headwater.tracking.hash import cache_key, code_content, code_hash, kind_of
from headwater.tracking.output import ArtifactConfig, Output
from headwater.tracking.plain import is_parameter, plain
from headwater.tracking.run import Run
from headwater.tracking.step_cache import find_cached
from headwater.tracking.step_run import StepRun

if TYPE_CHECKING:
    from headwater.tracking.step import Step, StepOptions

_log = logging.getLogger("headwater.tracking")
_UNCHANGING = (str, bytes, int, float, type(None))


@dataclass(slots=True)
class _Arguments:
    """The arguments of a step.

    Attributes:
        parameters: What JSON can hold.
        artifacts: What steps made, or artifacts that were named.
        others: Values that no step made.
        hashes: Of each artifact's content; None of an argument whose content is not known.
        kinds: What each argument is, of which some are written alike.
    """

    parameters: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, ArtifactHandle] = field(default_factory=dict)
    others: dict[str, Any] = field(default_factory=dict)
    hashes: dict[str, str | None] = field(default_factory=dict)
    kinds: dict[str, Any] = field(default_factory=dict)


def execute(
    step: Step[Any],
    run: Run,
    name: str,
    options: StepOptions,
    bound: inspect.BoundArguments,
) -> Any:
    """Run a step's function with its arguments, and record it.

    Args:
        step: The step.
        run: The run that calls it.
        name: The name that is asked for it in this run.
        options: How it is recorded.
        bound: The arguments.
    """
    given = flat(bound)
    arguments = _sorted(run, given)
    model = run.model if options.model is None else run.bind_if_there(options.model)
    makes = [output.name for output in step.outputs.listed or ()]
    at_work = StepRun(run, name, model=model, parameters=arguments.parameters, makes=makes)
    try:
        _take(run, at_work, arguments, given if options.enable_cache else None)
        key = None
        if options.enable_cache:
            code = code_content(step.function)
            at_work.effects.opaque += code.unknown
            key = _key(f"{code.hash} {name}", arguments)
        if key is not None and (found := _cached(step, at_work, key, options)) is not None:
            result = found[0]
        else:
            at_work.effects.is_watched = key is not None
            code_version = code_hash(step.function, data=False)  # as it is before it runs
            result = _called(step, at_work, bound, options.trusted)
            if not run.is_here:  # but in a process that the function forked
                return result
            if key is not None:
                _tell_changed(at_work, arguments, given)
            at_work.complete(
                step.outputs.split(result),
                code_version=code_version,
                cache_key=key,
                is_own_word=options.is_cached_by_itself,
            )
    except BaseException:
        if run.is_here:
            with suppress(HeadwaterError):  # what went wrong says more
                at_work.fail()
        raise
    at_work.tell_trained(step.outputs.split(result), flat(bound).values())
    return result


def _sorted(run: Run, given: Mapping[str, Any]) -> _Arguments:
    """Tell parameters from artifacts."""
    found = _Arguments()
    for name, value in given.items():
        if isinstance(value, ArtifactHandle):
            found.artifacts[name] = value
        elif (handle := run.values.find(value)) is not None:
            found.artifacts[name] = handle
        elif is_parameter(value):
            found.parameters[name] = plain(value, name)
            found.kinds[name] = kind_of(value)
        else:
            found.others[name] = value
    return found


def _take(
    run: Run, at_work: StepRun, arguments: _Arguments, compared: Mapping[str, Any] | None
) -> None:
    """Note the artifacts that a step is given; what is none yet becomes one.

    Args:
        run: The run.
        at_work: The step.
        arguments: Its arguments; their hashes are filled in.
        compared: The arguments as they are, where they are to be compared with what steps returned.
    """
    for name, handle in [*arguments.artifacts.items()]:
        value = handle if compared is None else compared[name]
        if value is not handle and _is_changed(run, name, value, handle):
            del arguments.artifacts[name]
            arguments.others[name] = value
        else:
            at_work.used(handle)
            arguments.hashes[name] = handle.hash
            arguments.kinds[name] = handle.data_type
    for name, value in arguments.others.items():
        arguments.hashes[name] = None
        try:
            stored = run.store.put(value, name=name)
        except InvalidInputError:  # nothing writes such a value; the step is never taken as known
            for known in filter(None, map(run.values.find, _inside(value))):
                at_work.used(known)
            continue
        of = artifact_type(value, is_model=False, is_deployment=False)
        handle = run.values.of_hash(stored.hash) or at_work.given(name, stored, of)
        run.values.add(value, handle)
        at_work.used(handle)
        arguments.hashes[name] = stored.hash
        arguments.kinds[name] = stored.data_type


def _inside(value: Any) -> Iterable[Any]:
    """What a list, tuple or mapping holds."""
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, (list, tuple)) else ()


def _is_changed(run: Run, name: str, value: Any, handle: ArtifactHandle) -> bool:
    """Whether a value was changed in place since a step returned it."""
    try:
        return run.store.hash_of(value, name=name) != handle.hash
    except InvalidInputError:  # nothing writes it any more
        return True


def _tell_changed(at_work: StepRun, arguments: _Arguments, given: Mapping[str, Any]) -> None:
    """Note which arguments the step changed in place, which its being taken would not do."""
    for name, value in given.items():
        if not isinstance(value, (*_UNCHANGING, ArtifactHandle)) and _is_other(
            at_work.run, name, value, arguments
        ):
            at_work.effects.opaque.append(f"changes its argument {name!r} in place")


def _is_other(run: Run, name: str, value: Any, arguments: _Arguments) -> bool:
    try:
        if name in arguments.parameters:
            return bool(plain(value, name) != arguments.parameters[name])
        return run.store.hash_of(value, name=name) != arguments.hashes[name]
    except Exception:  # noqa: BLE001  (as materializers of one's own raise it, nothing writes it)
        return True


def _key(code: str, arguments: _Arguments) -> str | None:
    """The cache key; None where the content of an argument is not known."""
    known = {name: each for name, each in arguments.hashes.items() if each is not None}
    if len(known) < len(arguments.hashes):
        return None
    kinds = json.dumps(arguments.kinds, sort_keys=True)
    return cache_key(f"{code} {kinds}", arguments.parameters, known)


def _cached(step: Step[Any], at_work: StepRun, key: str, options: StepOptions) -> tuple[Any] | None:
    """What an equal step made, in a tuple of one, since it may be None."""
    run, is_own_word = at_work.run, options.is_cached_by_itself
    if run.outbox.is_cut_off or (at_work.effects.opaque and not is_own_word):
        return None
    known = find_cached(run, key, at_work.model, is_own_word=is_own_word)
    if known is None:
        return None
    made = known.outputs
    listed = step.outputs.listed or [Output(name, ArtifactConfig()) for name in made]
    try:
        outputs = [(output, made[output.name]) for output in listed]
        values = [handle.load(trusted=options.trusted) for _, handle in outputs]
    except Exception as error:  # noqa: BLE001  (materializers of one's own may raise anything)
        _log.warning("%s runs, for what it made before is not loaded: %s", at_work.name, error)
        return None
    at_work.reads += map(Read.from_wire, known.data["reads"])
    run.reads += at_work.reads
    at_work.complete_cached(outputs, known, cache_key=key)
    return (step.outputs.join([output for output, _ in outputs], values),)


def _called(
    step: Step[Any], at_work: StepRun, bound: inspect.BoundArguments, trusted: Sequence[str]
) -> Any:
    """Run the function; artifacts that were named are loaded for it."""
    replace(bound, lambda each: _loaded(each, trusted))
    token = _step.set(at_work)
    at_work.run.at_work.append(at_work)
    try:
        with recording() as recorder:
            at_work.reads = recorder.reads
            return step.function(*bound.args, **bound.kwargs)
    finally:
        at_work.run.at_work.remove(at_work)
        _step.reset(token)


def _loaded(value: Any, trusted: Sequence[str]) -> Any:
    return value.load(trusted=trusted) if isinstance(value, ArtifactHandle) else value

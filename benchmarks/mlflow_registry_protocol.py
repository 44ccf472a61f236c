"""MLflow's own server beside Headwater, over MLflow's registry protocol: ``python -m`` this.

Both are real servers of one worker without sign-in, hold the same models, and are asked in turn by
the same raw-socket client over one connection each. MLflow is installed by ``tools``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.client import RawClient
from tools.headwater_server import headwater
from tools.mlflow_server import server

Request = tuple[str, str, dict[str, Any] | None]
_PATH = "/api/2.0/mlflow/"
_WARM = 5


class Case(NamedTuple):
    """What is asked, and by how much Headwater is to be faster.

    Attributes:
        before: What is asked before each, and not timed.
    """

    name: str
    ask: Callable[[int], Request]
    aim: int
    before: Callable[[int], Request] | None = None


def _name(number: int) -> str:
    return f"model-{number:05}"


def _create(number: int) -> Request:
    body = {"name": _name(number), "source": f"s3://bucket/{number}", "run_id": f"run{number}"}
    return "POST", "model-versions/create", body


def _by_alias(number: int) -> Request:
    return "GET", f"registered-models/alias?name={_name(number)}&alias=blue", None


def _set_tag(number: int) -> Request:
    body = {"name": _name(number), "version": "1", "key": "validated", "value": str(number)}
    return "POST", "model-versions/set-tag", body


def _move(number: int) -> Request:
    body = {"name": _name(number), "version": "1", "stage": "Production"}
    return "POST", "model-versions/transition-stage", body


def _describe(number: int) -> Request:
    body = {"name": _name(number), "description": f"Number {number}."}
    return "PATCH", "registered-models/update", body


def _search(_: int) -> Request:
    return "GET", "registered-models/search?max_results=100", None


CASES = (
    Case("create version", _create, 10),
    Case("get by alias", _by_alias, 10),
    Case("set tag", _set_tag, 10),
    Case("transition", _move, 10),
    Case("search page of 100", _search, 20),
    Case("search page of 100 after a write", _search, 20, before=_describe),
)


def _fill(client: RawClient, models: int) -> None:
    for number in range(models):
        tags = [{"key": "team", "value": f"team-{number % 7}"}]
        name = _name(number)
        version = {"name": name, "source": f"s3://bucket/{number}", "tags": tags}
        alias = {"name": name, "alias": "blue", "version": "1"}
        _ask(client, ("POST", "registered-models/create", {"name": name, "tags": tags}))
        _ask(client, ("POST", "model-versions/create", version))
        _ask(client, ("POST", "registered-models/alias", alias))


def _ask(client: RawClient, request: Request) -> float:
    """The seconds that an answer takes."""
    method, path, body = request
    content = b"" if body is None else json.dumps(body).encode()
    return client.timed([client.request(method, _PATH + path, content)])[0]


def _timed(case: Case, client: RawClient, numbers: Sequence[int]) -> float:
    """The median of some answers, in milliseconds."""
    taken = []
    for number in numbers:
        if case.before:
            _ask(client, case.before(number))
        taken.append(_ask(client, case.ask(number)) * 1000)
    return statistics.median(taken)


def _compare(case: Case, clients: Sequence[RawClient], rounds: int, each: int) -> str:
    for client in clients:
        _timed(case, client, range(_WARM))
    times: list[tuple[float, ...]] = []
    for number in range(rounds):
        numbers = range(_WARM + number * each, _WARM + (number + 1) * each)
        times.append(tuple(_timed(case, client, numbers) for client in clients))
    theirs, ours = (statistics.median(side) for side in zip(*times, strict=True))
    ratio = statistics.median(their / our for their, our in times)
    return f"| {case.name} | {theirs:.2f} ms | {ours:.2f} ms | {ratio:.1f} | {case.aim} |"


def main(arguments: Sequence[str]) -> None:
    """Print how many times faster Headwater answers, case by case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--each", type=int, default=20, help="requests of a round")
    parser.add_argument("--generation", type=int, choices=(2, 3), default=3, help="of MLflow")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            server(folder, asked.generation, "--workers", "1") as mlflow,
            headwater(folder) as own,
            ExitStack() as stack,
        ):
            ports = [int(url.rpartition(":")[2]) for url in (mlflow.url, own)]
            for port in ports:  # on connections of their own: MLflow ends those that idle
                with RawClient(port) as client:
                    _fill(client, asked.models)
            clients = [stack.enter_context(RawClient(port)) for port in ports]
            sys.stdout.write(
                "| | MLflow | Headwater | times faster | aim |\n|---|---|---|---|---|\n"
            )
            for case in CASES:
                line = _compare(case, clients, asked.rounds, asked.each)
                sys.stdout.write(line + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])

"""Measure Headwater beside a bare FastAPI route, in one run: ``python -m benchmarks.run``.

One client, one worker, keep-alive, SQLite with ``synchronous=FULL``. Rounds of the bare route and
of each case alternate, so that a machine whose speed drifts bends both alike: ratios count. With
``--beside FOLDER`` the server of another checkout is asked the same in the same rounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.case import CASES, Case, Sends
from benchmarks.client import RawClient
from benchmarks.data import LAST, ME, MODELS, NODES, PLAIN, SCHEMA, fill, model, plain
from benchmarks.server import Server, servers
from headwater.catalog import CatalogService, TokenService
from headwater.lineage import LineageService, derive
from headwater.store import Store, open_store

ROOT = Path(__file__).resolve().parents[1]
# Run by the other checkout's Python in its folder: its own store, filled by its own code.
FILL = """
import sys
from benchmarks.data import fill
from headwater.store import open_store
store = open_store(sys.argv[1])
fill(store)
store.close()
"""


def main() -> int:
    """Run every case and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="rounds of each case")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--sign-in", action="store_true", help="send a token with every request")
    parser.add_argument("--beside", type=Path, metavar="FOLDER",
                        help="another checkout, with its .venv, to set beside this one; its server"
                             " is asked without a token")  # fmt: skip
    parser.add_argument("--only", default="", help="only cases whose name has this text in it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        with closing(open_store(str(path))) as store:
            start = time.perf_counter()
            fill(store)
            token = make_token(store) if options.sign_in else ""
            print(f"catalog filled in {time.perf_counter() - start:.1f} s")
        commands = [[sys.executable, str(ROOT / "benchmarks" / "bare.py")],
                    [sys.executable, *serve(path)]]  # fmt: skip
        folders = [ROOT, ROOT]
        if options.beside:
            other, python = Path(folder) / "beside.db", options.beside / ".venv" / "bin" / "python"
            folders.append(options.beside)
            subprocess.run([python, "-c", FILL, str(other)], cwd=options.beside, check=True)
            commands.append([str(python), *serve(other)])
        cases = [case for case in CASES if options.only in case.name]
        with servers(commands, folders) as started:
            figures = measure(started, cases, options.rounds, token=token)
        with closing(open_store(str(path))) as store:
            inside = breakdown(store)
    show(figures, inside)
    if options.beside:
        show_beside(figures)
    if options.json:
        options.json.write_text(json.dumps({"figures": figures, "inside": inside}, indent=1))
    return 0


def serve(path: Path) -> list[str]:
    """What Python is told to serve a store; the port comes behind it."""
    return ["-m", "headwater", "serve", "--store", str(path), "--port"]


@contextmanager
def closing(store: Store) -> Iterator[Store]:
    """The store, closed at the end."""
    yield store
    store.close()


def make_token(store: Store) -> str:
    """Turn sign-in on; return the secret of an editor's token."""
    tokens = TokenService(store, CatalogService(store))
    return tokens.create("bench", role="editor", actor=ME).secret


@dataclass(slots=True)
class Rounds:
    """What the rounds of one server took: seconds by request, by round; and its CPU time."""

    server: Server
    client: RawClient
    times: list[list[float]] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def run(self, requests: list[bytes], status: int) -> None:
        """Ask once each."""
        before = self.server.cpu_seconds()
        self.times.append(self.client.timed(requests, status=(status,)))
        after = self.server.cpu_seconds()
        if before is not None and after is not None:
            self.cpu.append((after - before) / len(requests))

    def all_times(self) -> list[float]:
        """Seconds of every request, in order."""
        return sorted(taken for times in self.times for taken in times)


def measure(
    started: list[Server], cases: list[Case], rounds: int, *, token: str
) -> list[dict[str, Any]]:
    """Alternate rounds of the bare route, of each case, and of another release.

    The first round warms up.
    """
    figures = []
    with RawClient(started[0].port) as bare, RawClient(started[1].port, token=token) as client:
        others = [(server, RawClient(server.port)) for server in started[2:]]
        prepare(client, LAST.collection)
        for _, other in others:
            prepare(other, PLAIN.collection)
        for case in cases:
            asked = [Rounds(started[0], bare), Rounds(started[1], client)]
            asked += [Rounds(*each) for each in others]
            sends: list[Sends] = [plain_route, case.sends, case.beside or case.sends]
            for round_ in range(rounds + 1):
                turns = list(zip(asked, sends, [200, case.status, case.status], strict=False))
                # Whoever comes second finds the machine's clock as the first left it.
                for each, send, status in turns[:: -1 if round_ % 2 else 1]:
                    each.run(send(each.client, round_), status)
            size = len(client.send(case.sends(client, 0)[0])[1]) if case.status == 200 else 0
            figures.append(figure(case, size, asked))
        for _, other in others:
            other.close()
    return figures


def prepare(client: RawClient, collection: str) -> None:
    """Fill a collection with plain entities."""
    for start in range(0, MODELS, 500):
        body = json.dumps([plain(f"plain_{n:05}") for n in range(start, start + 500)]).encode()
        client.timed([client.request("PUT", f"/api/v1/{collection}/bulk", body)])


def plain_route(client: RawClient, round_: int) -> list[bytes]:
    """The bare route, again and again."""
    del round_
    return [client.request("GET", "/bare")] * 400


def figure(case: Case, size: int, asked: list[Rounds]) -> dict[str, Any]:
    """The figures of one case, without its first round."""
    for each in asked:
        del each.times[0], each.cpu[:1]
    bare, ours, *others = asked
    times = ours.all_times()
    means = (map(statistics.mean, each.times) for each in (bare, ours))
    out = {
        "case": case.name,
        "aim": case.aim,
        "percentOfBare": round(100 * median_ratio(*means), 1),
        "bareP50Us": round(statistics.median(bare.all_times()) * 1e6),
        "p50Us": round(statistics.median(times) * 1e6),
        "p95Us": round(times[int(len(times) * 0.95)] * 1e6),
        "requestsPerSecond": round(1 / statistics.mean(times)),
        "answerBytes": size,
    }
    for other in others:
        medians = (map(statistics.median, each.times) for each in (ours, other))
        out["besideP50Us"] = round(statistics.median(other.all_times()) * 1e6)
        out["ratio"] = round(median_ratio(*medians), 3)
        if ours.cpu and other.cpu:
            out["cpuUs"] = round(statistics.median(ours.cpu) * 1e6)
            out["besideCpuUs"] = round(statistics.median(other.cpu) * 1e6)
            out["cpuRatio"] = round(median_ratio(ours.cpu, other.cpu), 3)
    return out


def median_ratio(of: Iterable[float], to: Iterable[float]) -> float:
    """Median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(of, to, strict=True))


def breakdown(store: Store) -> dict[str, int]:
    """Microseconds (median) of the layers below HTTP, in process: where the time goes."""
    catalog, lineage = CatalogService(store, derive=derive), LineageService(store)
    numbers = iter(range(10**9))
    tables = [f"table:{SCHEMA}.node_{n:05}" for n in range(NODES // 4, NODES // 4 + 40)]
    commits: list[float] = []
    real_commit = store.commit

    def timed_commit(write_set: Any) -> int:
        start = time.perf_counter()
        seq = real_commit(write_set)
        commits.append(time.perf_counter() - start)
        return seq

    store.commit = timed_commit  # type: ignore[method-assign]  # timing only
    out = {
        "store.find by name": median_us(
            lambda: store.find(("mlmodel", f"headwater.model_{next(numbers) % MODELS:05}")), 2000
        ),
        "catalog.create": median_us(
            lambda: catalog.create("mlmodel", model(f"in_{next(numbers)}"), actor=ME), 300
        ),
        "of which store.commit (with fsync)": round(statistics.median(commits) * 1e6),
        "catalog.list of 100": median_us(lambda: catalog.list("mlmodel", limit=100), 100),
        "lineage.walk 3 + 3 hops": median_us(
            lambda: lineage.walk(tables[next(numbers) % 40], upstream=3, downstream=3), 40
        ),
    }
    store.commit = real_commit  # type: ignore[method-assign]  # as it was
    return out


def median_us(call: Callable[[], object], times: int) -> int:
    """Median duration of a call in microseconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return round(statistics.median(taken) * 1e6)


def show(figures: list[dict[str, Any]], inside: dict[str, int]) -> None:
    """Print both tables."""
    print(f"\n{'':38}{'of bare':>8}{'p50':>9}{'p95':>9}{'per s':>8}{'answer':>9}   aim")
    for f in figures:
        print(
            f"{f['case']:38}{f['percentOfBare']:>6} %{f['p50Us']:>6} µs{f['p95Us']:>6} µs"
            f"{f['requestsPerSecond']:>8}{f['answerBytes'] / 1000:>6.0f} kB   {f['aim']}"
        )
    bare = statistics.median(f["bareP50Us"] for f in figures)
    print(f"bare FastAPI route, 2 KB: p50 {bare:.0f} µs\n\nbelow HTTP, in process, median:")
    for name, value in inside.items():
        print(f"  {name:38}{value:>7} µs")


def show_beside(figures: list[dict[str, Any]]) -> None:
    """Print what another release took; a ratio below 1 says that this one is quicker."""
    print(f"\n{'beside the other checkout':38}{'its p50':>9}{'p50':>9}{'ratio':>8}", end="")
    print(f"{'its CPU':>10}{'CPU':>9}{'ratio':>8}")
    for f in figures:
        print(f"{f['case']:38}{f['besideP50Us']:>6} µs{f['p50Us']:>6} µs{f['ratio']:>8.3f}", end="")
        cpu = "cpuRatio" in f
        print(f"{f['besideCpuUs']:>7} µs{f['cpuUs']:>6} µs{f['cpuRatio']:>8.3f}" if cpu else "")


if __name__ == "__main__":
    sys.exit(main())

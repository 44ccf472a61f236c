"""Export, import and copy of whole catalogs, from engine to engine and while writers go on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from headwater.catalog import TokenService
from headwater.catalog.archive import copy_catalog, export_catalog, import_catalog
from headwater.catalog.archive.snapshot import rows_as_of
from headwater.errors import ConflictError, NotFoundError, StaleWriteError
from headwater.lineage import LineageService
from headwater.store import Store, open_store
from headwater.store.row import Commit
from tests.services.engine import PAIRS, open_engine
from tests.services.lively import catalog_over, live, shop_over
from tests.services.shop import BOT, ME, Shop

CHURN = ("mlmodel", "headwater.churn")
INSTANTS = 20


@pytest.fixture(params=PAIRS)
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Store, Store]]:
    """A catalog with a past, and an empty store."""
    engines = request.param
    with closing(open_engine(engines[0], request)) as source:
        live(source)
        with closing(open_engine(engines[1], request)) as target:
            yield source, target


@pytest.fixture
def other() -> Iterator[Store]:
    """Another empty store."""
    with closing(open_store("sqlite://")) as store:
        yield store


def instants(store: Store) -> list[int]:
    """Commits from the first to the last, evenly apart."""
    newest = store.sequence()
    return [1 + number * (newest - 1) // (INSTANTS - 1) for number in range(INSTANTS)]


def answers(store: Store, seq: int) -> list[object]:
    """What the catalog and its lineage say of a time."""
    lineage = LineageService(store)
    names = ["t0", "t1", "t2", "t3", "t4 (old)", "t5"]
    keys = [("table", f"wh.main.shop.{name}") for name in names]
    said: list[object] = [store.find_many([*keys, CHURN, ("user", "ada")], as_of=seq)]
    for key, level in product([*keys, CHURN], ("entity", "feature", "column")):
        try:
            said.append(lineage.walk(key, upstream=9, downstream=9, level=level, as_of=seq))
        except NotFoundError as error:
            said.append(error.message)
    return said


def rows(store: Store) -> list[object]:
    return list(rows_as_of(store, store.sequence()))


def test_exported_imported_and_exported_again_is_equal(
    pair: tuple[Store, Store], tmp_path: Path
) -> None:
    source, target = pair
    first, second = tmp_path / "first.ndjson.gz", tmp_path / "second.ndjson.gz"
    exported = export_catalog(source, first)
    imported = import_catalog(target, first)
    assert (imported.counts, imported.merged) == (exported.counts, None)
    assert export_catalog(target, second) == exported
    assert second.read_bytes() == first.read_bytes()


def test_answers_are_equal_at_twenty_instants(pair: tuple[Store, Store], tmp_path: Path) -> None:
    source, target = pair
    export_catalog(source, tmp_path / "a.ndjson")
    import_catalog(target, tmp_path / "a.ndjson")
    seen = [answers(source, seq) for seq in instants(source)]
    assert [answers(target, seq) for seq in instants(target)] == seen
    assert len({repr(each) for each in seen}) > INSTANTS / 2
    times = [row.at for row in source.dump("commits") if isinstance(row, Commit)]
    assert [target.sequence(at) for at in times] == [source.sequence(at) for at in times]


def test_bot_still_loses_to_a_person_after_an_import(
    pair: tuple[Store, Store], tmp_path: Path
) -> None:
    source, target = pair
    export_catalog(source, tmp_path / "a.ndjson")
    import_catalog(target, tmp_path / "a.ndjson")
    catalog = catalog_over(target)
    body = {"name": "churn", "description": "A machine's.", "algorithm": "Forest second"}
    catalog.put("mlmodel", body, actor=BOT)
    assert '"What a person wrote."' in catalog.get(*keyed(CHURN)).document
    catalog.put("mlmodel", body, actor=ME)
    assert '"A machine\'s."' in catalog.get(*keyed(CHURN)).document


def keyed(key: tuple[str, str]) -> tuple[str, tuple[str, str]]:
    return key[0], key


def test_imported_store_goes_on(pair: tuple[Store, Store], tmp_path: Path) -> None:
    source, target = pair
    export_catalog(source, tmp_path / "a.ndjson")
    import_catalog(target, tmp_path / "a.ndjson")
    newest, events = source.sequence(), source.events(limit=1000)
    catalog = catalog_over(target)
    Shop(catalog, "wh.main.shop").table("t1", "age", "id", actor=BOT)  # what was dropped, again
    assert target.sequence() == newest + 1
    (event,) = target.events(after=events[-1].number)
    assert event.number == events[-1].number + 1
    written = catalog.put("modelVersion", {"name": "third", "mlmodel": CHURN[1]}, actor=BOT)
    assert '"number":3' in written.document


def test_filled_store_refuses_an_import(pair: tuple[Store, Store], tmp_path: Path) -> None:
    source, target = pair
    export_catalog(source, tmp_path / "a.ndjson")
    catalog_over(target)
    before = rows(target)
    with pytest.raises(ConflictError, match="--merge"):
        import_catalog(target, tmp_path / "a.ndjson")
    assert rows(target) == before


def test_copy_is_equal_and_keeps_tokens(pair: tuple[Store, Store]) -> None:
    source, target = pair
    tokens = TokenService(source, catalog_over(source))
    secret = tokens.create("ada", role="viewer", actor=ME).secret
    counts = copy_catalog(source, target)
    assert rows(target) == rows(source)
    assert counts["states"] == len(list(source.dump("states")))
    assert TokenService(target, catalog_over(target)).find_holder(secret) is not None
    with pytest.raises(ConflictError, match="holds something already"):
        copy_catalog(source, target)


def test_empty_catalog_is_exported_and_imported(store: Store, other: Store, tmp_path: Path) -> None:
    export_catalog(store, tmp_path / "a.ndjson")
    import_catalog(other, tmp_path / "a.ndjson")
    assert other.sequence() == 0
    catalog_over(other)


def test_what_is_newer_than_its_commit_is_not_in_an_export(store: Store) -> None:
    """Each write changes what was there at the commit; none is to be seen."""
    shop = live(store)
    shop.model("waiting", features={"f": ["t5.soon", "t5.age", "unknown"]})
    seq = store.sequence()
    before = list(rows_as_of(store, seq))
    write_much(store, shop)
    assert store.sequence() > seq + 5
    assert list(rows_as_of(store, seq)) == before


def write_much(store: Store, shop: Shop) -> None:
    catalog, name = shop.catalog, f"{shop.schema}.t"
    shop.table("t5", "id", "age", "soon", actor=BOT)  # drops a column, and ends a source's wait
    shop.table("t0", "id", "age", "new", actor=BOT)
    shop.table("fresh", "id", actor=BOT)
    shop.model("fresh", features={"f": ["fresh.id", "t0.missing"]})
    shop.model("waiting", features={"f": ["t5.age", "t0.missing"]})
    catalog.patch(*keyed(CHURN), {"description": None}, actor=ME)
    catalog.delete("table", ("table", f"{name}2"), actor=ME)
    deleted = store.find(("table", f"{name}3"))
    assert deleted is not None
    catalog.restore("table", deleted.id, actor=ME)
    LineageService(store).add_mlmodel_lineage(CHURN, actor=ME)


@pytest.mark.parametrize("change", ["erase", "rename"])
def test_past_that_is_changed_while_it_is_read_is_found_out(
    store: Store, tmp_path: Path, change: str
) -> None:
    shop = live(store)
    key = ("table", f"{shop.schema}.t4 (old)")
    seq = store.sequence()
    if change == "erase":
        shop.catalog.erase("table", key, actor=ME)
    else:
        shop.catalog.rename("table", key, "t4", actor=ME)
    with pytest.raises(StaleWriteError, match="start again"):
        list(rows_as_of(store, seq))


def test_export_begins_again_when_the_past_was_changed(
    store: Store, other: Store, tmp_path: Path
) -> None:
    shop = live(store)
    first = [("table", f"{shop.schema}.t4 (old)")]

    def rename(section: str) -> None:
        if section == "states" and first:
            shop.catalog.rename("table", first.pop(), "renamed meanwhile", actor=ME)

    done = export_catalog(store, tmp_path / "a.ndjson", watch=rename)
    assert done.seq == store.sequence()
    export_catalog(store, tmp_path / "b.ndjson")
    assert (tmp_path / "a.ndjson").read_bytes() == (tmp_path / "b.ndjson").read_bytes()


def test_export_is_one_state_while_writers_go_on(
    store: Store, other: Store, tmp_path: Path
) -> None:
    """A model and its table always change together: what is exported never has one alone."""
    shop = shop_over(catalog_over(store))
    shop.table("t", "c0")
    shop.model(features={"f": ["t.c0"]})
    stop, failed = threading.Event(), list[BaseException]()

    def write(number: int) -> None:
        mine = Shop(shop.catalog, shop.schema)
        turn = 0
        try:
            while not stop.is_set():
                turn += 1
                mine.table(f"w{number}", f"c{turn}")
                mine.model(f"m{number}", features={"f": [f"w{number}.c{turn}"]})
        except BaseException as error:  # noqa: BLE001  (told by the test)
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    exports = []
    for number in range(4):
        file = tmp_path / f"{number}.ndjson"
        exports.append((file, export_catalog(store, file).seq))
    stop.set()
    for thread in threads:
        thread.join()
    assert not failed
    assert exports[-1][1] > exports[0][1]
    for file, seq in exports:
        with closing(open_store("sqlite://")) as copy:
            import_catalog(copy, file)
            assert copy.sequence() == seq
            assert present(copy) == present(store, as_of=seq)


def present(store: Store, as_of: int | None = None) -> list[Any]:
    """The models, their tables and lineage, now or as of a commit."""
    lineage, found = LineageService(store), list[Any]()
    for number in range(3):
        keys = [("table", f"wh.main.shop.w{number}"), ("mlmodel", f"headwater.m{number}")]
        found += [store.find(key, as_of=as_of) for key in keys]
        if found[-1] is not None:
            walk = lineage.walk(keys[1], upstream=3, level="column", as_of=as_of)
            for node in walk["nodes"]:
                node.pop("dropped", None)  # says of a node what it is today
            found.append(walk)
    return found

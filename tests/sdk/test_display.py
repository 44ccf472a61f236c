"""What a notebook shows: readable, and harmless whatever people have written."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from headwater import CreateMlModel, CreateTable, Headwater, MlModel, Table

EVIL = "<script>alert(1)</script><img src=x onerror='x'>&amp;"
TAGS = {"div", "p", "table", "thead", "tbody", "tr", "th", "td", "br", "pre"}


class Reader(HTMLParser):
    """Collects the tags, the attributes and the text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(thing: Any) -> str:
    """The text that a notebook shows of a thing, once nothing in it can do anything."""
    page = Reader(thing._repr_html_())
    assert set(page.tags) <= TAGS
    assert page.attributes <= {"style"}
    return page.text


@pytest.fixture
def model(hw: Headwater, customers: Table) -> MlModel:
    """A model at its second version, whose every text is an attack."""
    source = {"name": "age", "dataType": "integer", "dataSource": "shop.main.raw.customers"}
    features = [{"name": EVIL, "dataType": "numerical", "featureSources": [source]}]
    request = {"name": EVIL, "algorithm": "A", "description": f'{EVIL}"', "mlFeatures": features}
    hw.create_or_update(request, kind=MlModel)
    return hw.create_or_update(CreateMlModel(name=EVIL, algorithm=EVIL))


def test_names_do_nothing_wherever_they_are_shown(
    hw: Headwater, customers: Table, model: MlModel
) -> None:
    lineage = hw.lineage(model, level="feature", upstream=3)
    things = [
        model,
        CreateMlModel(name=EVIL, algorithm="A"),
        lineage,
        hw.diff(model, "0.1", "1.0"),
        hw.impact("shop.main.raw.customers.age"),
        hw.lineage_path("column:shop.main.raw.customers.age", model),
        hw.lineage_roots(model),
        hw.lineage_diff(model, 0),
        hw.search("script"),
    ]
    for thing in things:
        assert EVIL in shown(thing), thing
    assert "nothing" in shown(hw.lineage_roots(customers))
    assert "no circles" in shown(hw.lineage_cycles(model))


def test_an_entity_is_a_table_of_what_is_set(hw: Headwater, customers: Table) -> None:
    text = shown(customers)
    assert text.startswith("Table shop.main.raw.customers 0.1")
    assert "age INT" in text
    assert "viewDefinition" not in text
    assert "UTC" in text


def test_long_lists_and_texts_are_cut(hw: Headwater, customers: Table) -> None:
    columns = [{"name": f"c{n}", "dataType": "INT"} for n in range(30)]
    request = {"name": "wide", "databaseSchema": "shop.main.raw", "columns": columns}
    wide = hw.create({**request, "description": "x" * 5000}, kind=Table)
    text = shown(wide)
    assert "… and 10 more" in text
    assert len(text) < 1500
    assert "wide" in shown(CreateTable.model_validate(request))


def test_a_diff_and_hits_are_tables(hw: Headwater, model: MlModel) -> None:
    assert "~algorithmA" in shown(hw.diff(model, "0.1", "1.0"))
    found = hw.search("customers")
    assert shown(found).startswith("SearchResult 1 of 1kindnamedescriptiontableshop.main.raw")

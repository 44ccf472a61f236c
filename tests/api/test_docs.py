"""The documentation page: complete, well formed, and loading nothing but its own style sheet."""

from __future__ import annotations

from html.parser import HTMLParser

import httpx
import pytest

from headwater.api.docs.markup import prose, tag, type_of
from headwater.api.openapi import openapi_document

SITE = "http://localhost"
GROUPS = [each["name"] for each in openapi_document()["tags"]]
EMPTY = ("meta", "link", "!doctype")


class Page(HTMLParser):
    """What a page holds; complains about elements that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids += [str(value) for name, value in attrs if name == "id"]
        self.links += [str(value) for name, value in attrs if name in ("href", "src")]
        if tag not in EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def page(client: httpx.Client, path: str) -> Page:
    answer = client.get(SITE + path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers.get_list("content-security-policy")
    assert policy == ["default-src 'none'; frame-ancestors 'none'; style-src 'self'"]
    return Page(answer.text)


def test_the_start_leads_to_every_group(client: httpx.Client) -> None:
    start = page(client, "/docs")
    assert {f"/docs/{group}" for group in GROUPS} <= set(start.links)


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_shows_its_operations_and_their_schemas(client: httpx.Client, group: str) -> None:
    shown = page(client, f"/docs/{group}")
    operations = {
        operation["operationId"]
        for item in openapi_document()["paths"].values()
        for operation in item.values()
        if operation["tags"] == [group]
    }
    assert operations
    assert operations <= set(shown.ids)
    assert len(shown.ids) == len(set(shown.ids))
    for link in shown.links:
        if link.startswith("#"):
            assert link[1:] in shown.ids
        else:
            assert link.startswith("/"), f"{link} leads elsewhere"
    assert not {"script", "style", "img", "iframe"} & shown.tags
    assert not {"style", "onclick"} & shown.attributes


def test_a_creating_operation_shows_a_call(client: httpx.Client) -> None:
    text = client.get(SITE + "/docs/mlmodels").text
    assert "curl -X POST http://127.0.0.1:8585/api/v1/mlmodels -H" in text
    assert "n_estimators" in text


def test_the_style_sheet_is_ours(client: httpx.Client) -> None:
    answer = client.get(SITE + "/docs/style.css")
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "http" not in answer.text
    assert "@import" not in answer.text


def test_an_unknown_group_is_not_found(client: httpx.Client) -> None:
    assert client.get(SITE + "/docs/nosuch").status_code == 404
    assert client.get(SITE + "/docs/mlmodels?x=1").status_code == 400


def test_what_schemas_say_is_text(client: httpx.Client) -> None:
    assert prose("a `<b>` & <i>") == "a <code>&lt;b&gt;</code> &amp; &lt;i&gt;"
    assert tag("a", "x", href='"><b>') == '<a href="&quot;&gt;&lt;b&gt;">x</a>'


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({}, "any JSON"),
        ({"type": ["string", "null"]}, "string or null"),
        ({"type": "array", "items": {"type": "integer"}}, "array of integer"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ({"enum": ["a", None]}, '<code>"a"</code> or <code>null</code>'),
        ({"const": 1}, "<code>1</code>"),
        ({"type": "integer", "minimum": 1, "maximum": 9}, "integer (1 to 9)"),
        ({"type": "string", "maxLength": 9}, "string (up to 9 characters)"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "object of integer"),
        ({"$ref": "#/components/schemas/Table"}, '<a href="#schema-Table">Table</a>'),
    ],
)
def test_types_are_told_in_a_few_words(schema: dict[str, object], text: str) -> None:
    assert type_of(schema) == text

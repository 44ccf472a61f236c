"""Words: how text is cut into what is looked for, the same for what is stored and what is asked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice
from typing import Any

from headwater.errors import InvalidInputError
from headwater.names import split
from headwater.schemas.kind import Kind, Shape
from headwater.store.base import SearchText, Term

Document = dict[str, Any]

MAX_WORD = 64
"""Characters of a word that count; longer ones are cut, both stored and asked."""
MAX_WORDS = 10_000
"""Words of one field that are looked at: a text may be of any length, its index may not."""
MAX_TERMS = 32

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Written without spaces: each character is a word, and words side by side are a phrase.
_UNSPACED = re.compile(
    "([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)
_WORD = re.compile(r"[^\W_]+")
_QUERY = re.compile(r'"([^"]*)"(\*?)|(\S+)')


def words(text: str) -> Iterator[str]:
    """Yield the words of a text: ``customerId`` and ``customer_id`` are ``customer``, ``id``.

    Letters and digits in lower case without accents; they hold nothing that a query language or a
    tokenizer could take for its own.
    """
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in apart if not unicodedata.combining(c))
        text = _UNSPACED.sub(r" \1 ", text)
    for word in _WORD.findall(_CAMEL.sub(" ", text)):
        yield word.casefold()[:MAX_WORD]


def joined(*texts: str | None) -> str:
    """The words of texts as a store keeps them."""
    found = (word for text in texts if text for word in words(text))
    return " ".join(islice(found, MAX_WORDS))


def terms(query: str) -> tuple[Term, ...]:
    """What a person typed, as terms: words, ``"phrases"``, ``begun*``.

    A word that is several (``orders.customer_id``) is a phrase. All other signs mean nothing.

    Raises:
        InvalidInputError: More than 32 terms.
    """
    found = []
    for phrase, star, word in _QUERY.findall(query):
        text = phrase or word
        cut = tuple(words(text))
        if cut:
            found.append(Term(cut, prefix=bool(star) or word.endswith("*")))
    if len(found) > MAX_TERMS:
        raise InvalidInputError(f"a search has at most {MAX_TERMS} terms, not {len(found)}")
    return tuple(found)


def search_text(kind: Kind, document: Document) -> SearchText | None:
    """What an entity of a kind is found by; None for one that is deleted."""
    if document.get("deleted"):
        return None
    paths: list[str] = [document["fullyQualifiedName"]]
    texts: list[str] = []
    tags: list[str] = []
    _collect(kind.shape, document, paths, texts, tags)
    name = document["name"]
    whole = name if _CAMEL.search(name) else None  # ``customerId`` is also found by ``customerid``
    return SearchText(
        name=joined(name, document.get("displayName"), whole and whole.lower()),
        path=joined(*paths),
        text=joined(*texts),
        facets=_facets(kind, document, tags),
    )


def _collect(
    shape: Shape, document: Document, paths: list[str], texts: list[str], tags: list[str]
) -> None:
    """Add the names of parts, the searchable texts and the tags at every depth."""
    for name, value in document.items():
        field = shape.fields.get(name)
        if field is None or not value:
            continue
        if name == "tags" and field.reference:
            tags += [each["fullyQualifiedName"] for each in value]
        if field.searchable or name == "description":
            texts += _texts(value)
        if field.shape:
            for item in value if field.is_list else [value]:
                if field.keyed_by:
                    paths.append(item[field.keyed_by])
                _collect(field.shape, item, paths, texts, tags)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []


def _facets(kind: Kind, document: Document, tags: list[str]) -> dict[str, tuple[str, ...]]:
    out: dict[str, tuple[str, ...]] = {"kind": (kind.name,)}
    if kind.parent:
        out["service"] = (split(document["fullyQualifiedName"])[0],)
    owners = [each["fullyQualifiedName"] for each in document.get("owners", ())]
    stages = _stages(document)
    for facet, values in (("owner", owners), ("tag", tags), ("stage", stages)):
        if values:
            out[facet] = tuple(dict.fromkeys(values))
    return out


def _stages(document: Document) -> list[str]:
    """A version's stage; a model's are those that its versions have."""
    stage = document.get("stage")
    lifecycle = document.get("lifecycle")
    if isinstance(lifecycle, dict):
        return [each["stage"] for each in lifecycle.get("stages", ())]
    return [stage] if isinstance(stage, str) else []

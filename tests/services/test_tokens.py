"""Tokens: whom they sign in, until when, and what the store keeps of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from headwater.catalog import CatalogService, TokenService
from headwater.catalog import token as token_module
from headwater.catalog.record import RecordService
from headwater.catalog.sign_in import is_on
from headwater.catalog.token import NewToken
from headwater.errors import AccessError, ConflictError, InvalidInputError, NotFoundError
from headwater.store import Store
from headwater.store.base import EntryWrite
from headwater.store.draft import Actor, Draft, dump, load
from tests.services.shop import BOT, ME

EDITOR = Actor("somebody", role="editor")


@pytest.fixture
def tokens(store: Store, catalog: CatalogService) -> TokenService:
    return TokenService(store, catalog)


@pytest.fixture
def anna(tokens: TokenService) -> NewToken:
    return tokens.create("anna", role="editor", actor=ME)


def holder(tokens: TokenService, new: NewToken) -> Actor | None:
    found = tokens.find_holder(new.secret)
    return found and found.actor


def test_a_token_signs_its_user_in(tokens: TokenService, anna: NewToken) -> None:
    assert holder(tokens, anna) == Actor("anna", "person", None, "editor")


def test_a_bot_s_token_signs_a_bot_in(tokens: TokenService) -> None:
    new = tokens.create("nightly", kind="bot", role="viewer", actor=ME)
    found = holder(tokens, new)
    assert found == Actor("nightly", "bot", None, "viewer")
    assert found.writer == "bot:nightly"


def test_a_person_may_have_a_bot_s_token(tokens: TokenService, anna: NewToken) -> None:
    new = tokens.create("anna", kind="bot", role="editor", actor=ME)
    assert new.token.user_id == anna.token.user_id
    assert holder(tokens, new) == Actor("anna", "bot", None, "editor")


def test_making_a_token_makes_the_user(tokens: TokenService, catalog: CatalogService) -> None:
    for kind, marked in (("person", None), ("bot", True)):
        tokens.create(f"a {kind}", kind=kind, role="viewer", actor=ME)  # type: ignore[arg-type]  # of a loop
        assert load(catalog.get("user", ("user", f"a {kind}"))).get("isBot") == marked


@pytest.mark.parametrize("name", ["anna@example.org", 'a"b', "Ünal", "U\u0308nal", "a_b"])
def test_a_user_s_name_is_any_name(tokens: TokenService, name: str) -> None:
    first, second = (tokens.create(name, role="viewer", actor=ME) for _ in range(2))
    assert first.token.user_id == second.token.user_id
    assert holder(tokens, second) == holder(tokens, first)


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 257])
def test_what_is_no_name_is_refused(tokens: TokenService, name: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        tokens.create(name, role="viewer", actor=ME)
    assert refused.value.errors[0]["pointer"] == "/user"


def test_a_user_who_is_there_stays_as_they_are(
    tokens: TokenService, catalog: CatalogService, store: Store
) -> None:
    made = catalog.put("user", {"name": "anna", "email": "anna@example.org"}, actor=ME)
    assert tokens.create("anna", role="admin", actor=ME).token.user_id == made.id
    found = store.find(made.id)
    assert found
    assert (found.rev, found.document) == (made.rev, made.document)


def test_a_token_is_no_version_and_no_event_of_its_user(
    tokens: TokenService, anna: NewToken, store: Store
) -> None:
    before = store.events(), store.versions(anna.token.user_id)
    tokens.revoke(tokens.create("anna", role="viewer", actor=ME).token.id, actor=ME)
    assert (store.events(), store.versions(anna.token.user_id)) == before


def test_a_name_that_two_ask_for_at_once_becomes_one_user(tokens: TokenService) -> None:
    made: list[NewToken] = []
    start = threading.Barrier(4)

    def make() -> None:
        start.wait()
        made.append(tokens.create("anna", role="viewer", actor=ME))

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({new.token.user_id for new in made}) == 1
    assert [holder(tokens, new) for new in made] == [Actor("anna", role="viewer")] * 4


# What is kept


def test_only_a_hash_of_the_secret_is_stored(anna: NewToken, store: Store) -> None:
    random = anna.secret.split("_", 2)[2]
    assert len(random) == 43, "256 bits"
    user = store.find(anna.token.user_id)
    kept = store.entries(entity_ids=[anna.token.user_id])
    assert {entry.type for entry in kept} == {"token", "signIn"}
    assert random not in repr((user, kept, store.events(limit=1000)))


def test_a_secret_is_not_in_what_is_printed_of_a_token(anna: NewToken) -> None:
    assert anna.secret.split("_", 2)[2] not in repr(anna)


def test_secrets_differ(tokens: TokenService) -> None:
    made = [tokens.create("anna", role="viewer", actor=ME) for _ in range(5)]
    assert len({new.secret for new in made}) == len({new.token.id for new in made}) == 5


@pytest.mark.parametrize("type_", ["token", "signIn"])
def test_neither_tokens_nor_the_mark_are_records_of_the_user(
    anna: NewToken, store: Store, catalog: CatalogService, type_: str
) -> None:
    records = RecordService(store, catalog)
    with pytest.raises(InvalidInputError):
        records.list("user", anna.token.user_id, type_)
    with pytest.raises(InvalidInputError):
        records.append("user", anna.token.user_id, type_, {"key": "on"}, actor=ME)


# What signs nobody in


def _other_id(secret: str) -> str:
    return secret.replace(secret.split("_")[1], "0" * 16)


@pytest.mark.parametrize(
    "broken",
    [
        lambda _: "",
        lambda s: s[:-1],
        lambda s: s + "A",
        lambda s: s[:-1] + ("A" if s[-1] != "A" else "B"),
        str.upper,
        str.swapcase,
        lambda s: " " + s,
        lambda s: s + "\n",
        lambda s: s + "\x00",
        lambda s: s + "=" * 1_000_000,
        lambda s: s + "ä",
        lambda s: s + "\ud800",
        lambda s: s.removeprefix("hw_"),
        lambda s: s.split("_")[1],
        lambda s: "_".join(s.split("_")[:2]) + "_",
        lambda s: "hw_" + s,
        _other_id,
    ],
)
def test_what_is_no_token_signs_nobody_in(
    tokens: TokenService, anna: NewToken, broken: Callable[[str], str]
) -> None:
    assert tokens.find_holder(broken(anna.secret)) is None


def test_the_secret_of_one_token_does_not_do_for_another(
    tokens: TokenService, anna: NewToken
) -> None:
    other = tokens.create("anna", role="admin", actor=ME)
    mixed = f"hw_{other.token.id}_{anna.secret.split('_', 2)[2]}"
    assert tokens.find_holder(mixed) is None


def test_a_stored_hash_is_no_secret(tokens: TokenService, anna: NewToken, store: Store) -> None:
    (entry,) = store.entries(types=["token"], keys=[anna.token.id])
    kept = token_module._data(entry)["hash"]
    assert tokens.find_holder(f"hw_{anna.token.id}_{kept}") is None


def test_a_token_counts_up_to_the_millisecond_at_which_it_expires(
    tokens: TokenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = tokens.create("anna", role="viewer", expires_in=timedelta(days=1), actor=ME)
    assert new.token.expires_at == new.token.created_at + 86_400_000
    for late, expected in ((-1, True), (0, False), (1, False)):
        monkeypatch.setattr(token_module, "now_ms", lambda at=new.token.expires_at + late: at)
        assert (holder(tokens, new) is not None) == expected


def test_a_revoked_token_signs_nobody_in(tokens: TokenService, anna: NewToken) -> None:
    other = tokens.create("anna", role="viewer", actor=ME)
    revoked = tokens.revoke(anna.token.id, actor=Actor("boss"))
    assert (revoked.id, revoked.revoked_by, revoked.created_by) == (
        anna.token.id,
        "boss",
        "local",
    )
    assert holder(tokens, anna) is None
    assert holder(tokens, other), "only the one"


def test_revoking_twice_is_revoking_once(tokens: TokenService, anna: NewToken) -> None:
    first = tokens.revoke(anna.token.id, actor=ME)
    assert tokens.revoke(anna.token.id, actor=Actor("boss")) == first


@pytest.mark.parametrize("token_id", ["", "0123456789abcdef", "on", "\x00"])
def test_revoking_what_is_no_token_says_so(
    tokens: TokenService, anna: NewToken, token_id: str
) -> None:
    with pytest.raises(NotFoundError, match="there is no token"):
        tokens.revoke(token_id, actor=ME)


def test_a_token_of_a_deleted_user_signs_nobody_in(
    tokens: TokenService, anna: NewToken, catalog: CatalogService
) -> None:
    catalog.delete("user", anna.token.user_id, actor=ME)
    assert holder(tokens, anna) is None
    with pytest.raises(ConflictError, match="deleted"):
        tokens.create("anna", role="viewer", actor=ME)
    catalog.restore("user", anna.token.user_id, actor=ME)
    assert holder(tokens, anna)


def test_a_token_of_an_erased_user_is_gone(
    tokens: TokenService, anna: NewToken, catalog: CatalogService
) -> None:
    catalog.erase("user", anna.token.user_id, actor=ME)
    again = tokens.create("anna", role="viewer", actor=ME)
    assert holder(tokens, anna) is None
    assert [token.id for token in tokens.list()] == [again.token.id]


def test_a_token_follows_its_user_s_name(
    tokens: TokenService, anna: NewToken, catalog: CatalogService
) -> None:
    catalog.rename("user", anna.token.user_id, "anna b.", actor=ME)
    found = holder(tokens, anna)
    assert found
    assert found.name == "anna b."


def test_a_role_of_a_later_release_signs_nobody_in(
    tokens: TokenService, anna: NewToken, store: Store
) -> None:
    _append(store, anna, role="owner")
    assert holder(tokens, anna) is None


def _append(store: Store, new: NewToken, **changed: Any) -> None:
    (entry,) = store.entries(types=["token"], keys=[new.token.id])
    data = dump(token_module._data(entry) | changed)
    write = EntryWrite(entry.entity_id, "token", entry.key, data=data)
    Draft(entries=[write]).commit(store, ME)


# Nothing raises a bot to a person


def test_a_bot_stays_one_whatever_its_token_says(
    tokens: TokenService, anna: NewToken, catalog: CatalogService, store: Store
) -> None:
    catalog.patch("user", anna.token.user_id, {"isBot": True}, actor=ME)
    assert holder(tokens, anna) == Actor("anna", "bot", None, "editor")
    catalog.patch("user", anna.token.user_id, {"isBot": False}, actor=ME)
    assert holder(tokens, anna) == Actor("anna", "person", None, "editor")
    _append(store, anna, kind="other")
    assert holder(tokens, anna) == Actor("anna", "bot", None, "editor")


def test_a_bot_s_token_stays_one_whatever_its_user_becomes(
    tokens: TokenService, catalog: CatalogService
) -> None:
    new = tokens.create("nightly", kind="bot", role="editor", actor=ME)
    catalog.patch("user", new.token.user_id, {"isBot": False}, actor=ME)
    assert holder(tokens, new) == Actor("nightly", "bot", None, "editor")


def test_a_bot_gets_no_person_s_token(tokens: TokenService) -> None:
    tokens.create("nightly", kind="bot", role="viewer", actor=ME)
    with pytest.raises(ConflictError, match="is a bot"):
        tokens.create("nightly", kind="person", role="viewer", actor=ME)
    assert tokens.create("nightly", role="viewer", actor=ME).token.kind == "bot"


def test_a_bot_makes_bots_tokens_only(tokens: TokenService, store: Store) -> None:
    with pytest.raises(AccessError, match="person"):
        tokens.create("me too", kind="person", role="viewer", actor=BOT)
    assert store.find(("user", "me too")) is None
    assert tokens.create("robin", role="viewer", actor=BOT).token.kind == "bot"


# Whether sign-in is on


def test_sign_in_is_on_from_the_first_token_for_good(
    tokens: TokenService, store: Store, catalog: CatalogService
) -> None:
    assert not is_on(store)
    catalog.put("user", {"name": "anna"}, actor=ME)
    assert not is_on(store)
    made = [tokens.create(name, role="admin", actor=ME) for name in ("anna", "ben")]
    assert is_on(store)
    for new in made:
        tokens.revoke(new.token.id, actor=ME)
    assert is_on(store)
    for new in made:
        catalog.delete("user", new.token.user_id, actor=ME)
    assert is_on(store)
    for new in made:
        catalog.erase("user", new.token.user_id, actor=ME)
    assert is_on(store)


# The list


def test_tokens_are_listed_newest_first_with_what_became_of_them(
    tokens: TokenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_module, "_PAGE", 2)
    monkeypatch.setattr(token_module, "now_ms", iter(range(1, 100)).__next__)
    made = [
        tokens.create(f"user {n % 3}", role="viewer", description=f"no. {n}", actor=ME)
        for n in range(7)
    ]
    tokens.revoke(made[2].token.id, actor=ME)
    found = tokens.list()
    assert [token.id for token in found] == [new.token.id for new in reversed(made)]
    assert [token for token in found if token.revoked_at is None] == [
        new.token for new in reversed(made) if new is not made[2]
    ]
    assert [token.description for token in found if token.revoked_at is not None] == ["no. 2"]


# What of users only admins change


def test_only_admins_let_users_in_and_keep_them_out(
    catalog: CatalogService, anna: NewToken
) -> None:
    who = anna.token.user_id
    with pytest.raises(AccessError, match="only admins"):
        catalog.delete("user", who, actor=EDITOR)
    with pytest.raises(AccessError, match="only admins"):
        catalog.patch("user", who, {"isBot": True}, actor=EDITOR)
    with pytest.raises(AccessError, match="only admins"):
        catalog.rename("user", who, "ben", actor=EDITOR)
    with pytest.raises(AccessError, match="only admins"):
        catalog.create("user", {"name": "robot", "isBot": True}, actor=EDITOR)
    catalog.delete("user", who, actor=ME)
    with pytest.raises(AccessError, match="only admins"):
        catalog.restore("user", who, actor=EDITOR)
    with pytest.raises(AccessError, match="only admins"):
        catalog.put("user", {"name": "anna"}, actor=EDITOR)
    refused = catalog.put_bulk("user", [{"name": "anna"}], actor=EDITOR).failed
    assert [failure["code"] for failure in refused] == ["access-denied"]


def test_editors_write_what_else_is_known_of_users(catalog: CatalogService) -> None:
    made = catalog.put("user", {"name": "carla"}, actor=EDITOR)
    catalog.patch("user", made.id, {"email": "carla@example.org"}, actor=EDITOR)
    catalog.put("user", {"name": "carla", "displayName": "Carla"}, actor=EDITOR)
    assert load(catalog.get("user", made.id))["email"] == "carla@example.org"

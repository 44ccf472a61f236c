"""Who is let in once there are tokens: each rule, and what is tried against it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from headwater.api import Services, auth, stream
from headwater.api.guard import OPEN
from headwater.app import InProcessTransport, create_app, create_services
from headwater.catalog import CatalogService, TokenService
from headwater.catalog import token as token_module
from headwater.catalog.token import NewToken
from headwater.sdk import Headwater
from headwater.settings import Settings
from headwater.store import Store, open_store
from headwater.store.draft import Actor
from headwater.store.sqlite import SqliteStore
from tests.api.test_events import listening
from tests.api.test_guard import problem

API = "http://localhost/api/v1"
MODEL = {"name": "a", "algorithm": "b"}
ME = Actor()
PRODUCER = "X-Headwater-Producer"
Make = Callable[..., NewToken]


class Remote(SqliteStore):
    """Counts as a remote store, and counts the look-ups of tokens."""

    local = False
    asked = 0

    def entries(self, **filters: Any) -> Any:
        self.asked += 1
        return super().entries(**filters)


@pytest.fixture
def site(store: Store) -> Iterator[httpx.Client]:
    """A server that asks for tokens once there are any."""
    with httpx.Client(base_url=API, transport=InProcessTransport(store, sign_in=True)) as client:
        yield client


@pytest.fixture
def make(store: Store) -> Make:
    """Makes a token beside the server, as another process does."""
    tokens = TokenService(store, CatalogService(store))

    def make(user: str = "anna", **options: Any) -> NewToken:
        return tokens.create(user, **{"role": "editor", "actor": ME, **options})

    return make


@pytest.fixture
def services(store: Store) -> Services:
    return create_services(store, Settings())


@pytest.fixture
def anna(make: Make) -> NewToken:
    return make()


def bearer(new: NewToken, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {new.secret}", **headers}


def status(client: httpx.Client, new: NewToken, method: str = "GET", **headers: str) -> int:
    body = None if method == "GET" else MODEL
    return client.request(
        method, "/mlmodels", json=body, headers=bearer(new, **headers)
    ).status_code


def refused(answer: httpx.Response) -> None:
    problem(answer, 401, "not-signed-in")
    assert answer.headers["www-authenticate"] == "Bearer"


# Sign-in is off until there is a token, and on from then on


def test_without_any_token_the_local_person_may_do_everything(site: httpx.Client) -> None:
    assert site.put("/mlmodels", json=MODEL).status_code == 201
    assert site.get("/tokens").json()["data"] == []
    assert site.get("/events").json()["data"][-1]["actor"] == "local"


def test_without_any_token_an_authorization_is_not_looked_at(site: httpx.Client) -> None:
    assert site.get("/mlmodels", headers={"Authorization": "Basic eDp5"}).status_code == 200


def test_the_first_token_turns_sign_in_on_at_once(site: httpx.Client, make: Make) -> None:
    assert site.get("/mlmodels").status_code == 200
    new = make()
    refused(site.get("/mlmodels"))
    assert status(site, new) == 200


def test_sign_in_stays_on_when_every_token_is_revoked(
    site: httpx.Client, anna: NewToken, store: Store
) -> None:
    TokenService(store, CatalogService(store)).revoke(anna.token.id, actor=ME)
    refused(site.get("/mlmodels"))
    with InProcessTransport(store, sign_in=True) as started_anew:
        refused(httpx.Client(base_url=API, transport=started_anew).get("/mlmodels"))


def test_who_opens_the_store_needs_no_token(client: httpx.Client, anna: NewToken) -> None:
    assert client.put("/mlmodels", json=MODEL).status_code == 201


# What needs a token


@pytest.mark.parametrize("path", sorted({*OPEN, "/docs/style.css", "/docs/mlmodels"}))
def test_what_tells_nothing_of_the_catalog_is_open(
    site: httpx.Client, anna: NewToken, path: str
) -> None:
    for headers in ({}, {"Host": "catalog.example.com", "X-Forwarded-For": "192.0.2.1"}):
        assert site.get("http://localhost" + path, headers=headers).status_code == 200
    assert site.post("http://localhost" + path).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/mlmodels", "/api/v1/mlmodels/name/x", "/api/v1/events", "/api/v1/schemas",
        "/api/v1/lineage/impact?fqn=x", "/api/v1/tokens", "/api/v1/nothing", "/nothing", "//",
        "/api/v1/health/", "//api/v1/health", "/api/v1/health/../mlmodels", "/API/V1/HEALTH",
        "/docs/../api/v1/mlmodels", "/docs;/api/v1/mlmodels", "/docs/mlmodels/x",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_everything_else_needs_a_token(
    site: httpx.Client, anna: NewToken, method: str, path: str
) -> None:
    answer = site.request(method, "http://localhost" + path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_taken_in_any_case(site: httpx.Client, anna: NewToken, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {anna.secret}"}
    assert site.get("/mlmodels", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "spell",
    [
        lambda _: b"",
        lambda _: b"Bearer",
        lambda _: b"Bearer ",
        lambda s: s,
        lambda s: b"Basic " + s,
        lambda s: b"Basic aHc6" + s,
        lambda s: b"Token " + s,
        lambda s: b"Bearer" + s,
        lambda s: b"Bearer\t" + s,
        lambda s: b"Bearer Bearer " + s,
        lambda s: b"Bearer " + s + b"x",
        lambda s: b"Bearer " + s[:-1],
        lambda s: b"Bearer " + s + b", Bearer " + s,
        lambda s: b'Bearer token="' + s + b'"',
        lambda s: b"Bearer " + s + b"\xe4",
        lambda s: b"Bearer \xff\xfe" + s,
        lambda s: "Bearer \uff48\uff57_".encode() + s[3:],
        lambda s: b"Bearer " + s * 1000,
        lambda _: b"Bearer " + b"x" * 60_000,
        lambda _: b"Bearer null",
        lambda _: b"Bearer hw__",
    ],
)
def test_what_is_no_token_is_refused(
    site: httpx.Client, anna: NewToken, spell: Callable[[bytes], bytes]
) -> None:
    refused(site.get("/mlmodels", headers={b"Authorization": spell(anna.secret.encode())}))


def test_a_token_given_twice_is_refused(site: httpx.Client, anna: NewToken, make: Make) -> None:
    for other in (anna.secret, make("ben").secret, "x"):
        headers = [("Authorization", f"Bearer {each}") for each in (anna.secret, other)]
        assert "twice" in problem(site.get("/mlmodels", headers=headers), 400, "invalid-input")


@pytest.mark.parametrize("name", ["token", "access_token", "authorization", "Authorization"])
def test_a_token_is_not_taken_from_the_query(site: httpx.Client, anna: NewToken, name: str) -> None:
    for value in (anna.secret, f"Bearer {anna.secret}"):
        refused(site.get("/mlmodels", params={name: value}))


def test_a_token_is_not_taken_from_a_cookie_or_another_header(
    site: httpx.Client, anna: NewToken
) -> None:
    for name in ("Cookie", "Proxy-Authorization", "X-Authorization", "X-Api-Key"):
        refused(site.get("/mlmodels", headers={name: f"Bearer {anna.secret}"}))


def test_a_refusal_does_not_say_whether_anything_is_there(
    site: httpx.Client, anna: NewToken
) -> None:
    site.put("/mlmodels", json=MODEL, headers=bearer(anna))
    found = [site.get(f"/mlmodels/name/headwater.{name}") for name in "ab"]
    refused(found[0])
    assert found[0].content == found[1].content


# Until when a token counts


def test_a_token_that_expired_a_millisecond_ago_is_refused(
    site: httpx.Client, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = make(expires_in=timedelta(hours=1))
    end = new.token.expires_at
    assert end
    clock = [end - 1]
    for module in (auth, token_module):
        monkeypatch.setattr(module, "now_ms", lambda: clock[0])
    assert status(site, new) == 200
    clock[0] = end  # the store has not changed since: only the clock tells
    assert status(site, new) == 401
    clock[0] = end + 1
    assert status(site, new) == 401


def test_a_token_revoked_while_it_is_remembered_is_refused(
    site: httpx.Client, anna: NewToken, store: Store
) -> None:
    assert status(site, anna) == status(site, anna) == 200
    TokenService(store, CatalogService(store)).revoke(anna.token.id, actor=ME)
    assert status(site, anna) == 401


def test_a_token_of_a_user_deleted_since_is_refused(
    site: httpx.Client, anna: NewToken, store: Store
) -> None:
    assert status(site, anna) == 200
    CatalogService(store).delete("user", anna.token.user_id, actor=ME)
    assert status(site, anna) == 401


def test_a_token_that_counts_is_looked_up_once_until_a_commit_that_may_end_it(
    site: httpx.Client, anna: NewToken, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = TokenService.find_holder

    def find_holder(tokens: TokenService, secret: str) -> Any:
        asked.append(secret)
        return real(tokens, secret)

    monkeypatch.setattr(TokenService, "find_holder", find_holder)
    for _ in range(3):
        assert status(site, anna) == 200
    assert status(site, anna, "PUT") == 201
    assert status(site, anna) == 200
    assert len(asked) == 1
    make("ben")
    assert status(site, anna) == 200
    assert len(asked) == 2


def test_a_token_that_another_process_revokes_between_two_writes_is_refused(
    tmp_path: Path,
) -> None:
    file = f"sqlite:///{tmp_path / 'headwater.db'}"
    with (
        closing(open_store(file)) as here,
        closing(open_store(file)) as there,
        httpx.Client(base_url=API, transport=InProcessTransport(here, sign_in=True)) as site,
    ):
        tokens = TokenService(there, CatalogService(there))
        anna, ben = (tokens.create(name, role="editor", actor=ME) for name in ("anna", "ben"))
        assert status(site, anna, "PUT") == 201
        assert status(site, ben) == 200
        tokens.revoke(anna.token.id, actor=ME)
        CatalogService(here).put("mlmodelService", {"name": "more"}, actor=ME)
        assert (status(site, anna), status(site, ben)) == (401, 200)


@pytest.mark.parametrize("end", ["revoked", "user deleted", "sign-in on"])
def test_a_stream_ends_when_it_would_not_be_let_in_any_more(
    services: Services, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "POLL", 0.01)

    async def scenario() -> None:
        headers = {}
        if end != "sign-in on":
            new = services.tokens.create("anna", role="viewer", actor=ME)
            headers = bearer(new)
        async with listening(services, **headers) as listener:
            await listener.until(1)
            if end == "revoked":
                services.tokens.revoke(new.token.id, actor=ME)
            elif end == "user deleted":
                services.catalog.delete("user", new.token.user_id, actor=ME)
            else:
                services.tokens.create("anna", role="viewer", actor=ME)
            await listener.done.wait()
            assert '"code":"not-signed-in"' in listener.text

    anyio.run(scenario)


def test_a_stream_goes_on_as_long_as_its_token_counts(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "POLL", 0.01)

    async def scenario() -> None:
        new = services.tokens.create("anna", role="viewer", actor=ME)
        async with listening(services, **bearer(new)) as listener:
            await listener.until(2)
            for number in range(3):
                services.catalog.create("team", {"name": f"t{number}"}, actor=ME)
                await listener.until(3 + number)
            assert "problem" not in listener.text

    anyio.run(scenario)


# Roles


def test_viewers_read(site: httpx.Client, make: Make) -> None:
    new = make(role="viewer")
    for path in ("/mlmodels", "/events", "/schemas", "/mlmodelServices/name/headwater"):
        for method in ("GET", "HEAD"):
            assert site.request(method, path, headers=bearer(new)).status_code == 200
    assert site.get("/tokensets", headers=bearer(new)).status_code == 404  # of a kind of one's own


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/mlmodels"), ("PUT", "/mlmodels"), ("PUT", "/mlmodels/bulk"),
        ("PATCH", "/mlmodelServices/name/headwater"), ("DELETE", "/mlmodelServices/name/headwater"),
        ("POST", "/mlmodels/x/restore"), ("PUT", "/lineage/edges"), ("DELETE", "/lineage/edges"),
        ("POST", "/lineage/mlmodels/x"), ("PROPFIND", "/mlmodels"),
    ],
)  # fmt: skip
def test_viewers_do_not_write(site: httpx.Client, make: Make, method: str, path: str) -> None:
    answer = site.request(method, path, json=[], headers=bearer(make(role="viewer")))
    assert "the role editor" in problem(answer, 403, "access-denied")
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_people_follow_and_vote_for_themselves_alone(
    site: httpx.Client, anna: NewToken, make: Make, role: str
) -> None:
    found = site.put("/mlmodels", json=MODEL, headers=bearer(anna)).json()
    path = f"/mlmodels/{found['id'].upper()}"
    vera, boss = bearer(make("vera: ö/1", role=role)), bearer(make("boss", role="admin"))
    users = {each["name"]: each["id"] for each in site.get("/users", headers=boss).json()["data"]}
    for user in ("vera: ö%2F1", users["vera: ö/1"]):
        assert site.put(f"{path}/followers/{user}", headers=vera).is_success
        vote = site.put(f"{path}/votes/{user}", json={"vote": "up"}, headers=vera)
        assert vote.json()["recordedBy"] == "vera: ö/1"
        assert site.delete(f"{path}/followers/{user}", headers=vera).is_success
        assert site.put(f"{path}/votes/{user}", json={"vote": "none"}, headers=vera).is_success
    for user in ("anna", users["anna"]):
        answers = [
            site.put(f"{path}/followers/{user}", headers=vera),
            site.delete(f"{path}/followers/{user}", headers=vera),
            site.put(f"{path}/votes/{user}", json={"vote": "down"}, headers=vera),
        ]
        for answer in answers:
            assert "or an admin" in problem(answer, 403, "access-denied")
        assert site.put(f"{path}/followers/{user}", headers=boss).is_success
    followers = site.get(f"{path}/followers", headers=vera).json()["data"]
    assert [each["name"] for each in followers] == ["anna"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
@pytest.mark.parametrize(
    "path",
    [
        "/mlmodels/name/followers/x", "/mlmodels/name/followers%2Fx", "/mlmodels/name/a/votes/vera",
        "/mlmodels/0f3c5a6b-7c8d-4e0f-8a1b-2c3d4e5f6a7b/records/followers/vera",
        "/mlmodels/name/0f3c5a6b-7c8d-4e0f-8a1b-2c3d4e5f6a7b/followers/vera",
        "/mlmodels/0f3c5a6b-7c8d-4e0f-8a1b-2c3d4e5f6a7b/rename",
        "/lineage/producers/followers/vera",
    ],
)  # fmt: skip
def test_no_name_makes_another_write_a_viewer_s(
    site: httpx.Client, make: Make, method: str, path: str
) -> None:
    answer = site.request(method, path, json={}, headers=bearer(make("vera", role="viewer")))
    assert "the role editor" in problem(answer, 403, "access-denied")


def test_editors_write(site: httpx.Client, anna: NewToken) -> None:
    assert status(site, anna, "POST") == 201
    assert status(site, anna, "PUT") == 200
    path = "/mlmodels/name/headwater.a"
    assert site.patch(path, json={"algorithm": "c"}, headers=bearer(anna)).status_code == 200
    deleted = site.delete(path, headers=bearer(anna))
    path = f"/mlmodels/{deleted.json()['id']}/restore"
    assert site.post(path, headers=bearer(anna)).status_code == 200


def test_only_admins_erase(site: httpx.Client, anna: NewToken, make: Make) -> None:
    site.put("/mlmodels", json=MODEL, headers=bearer(anna))
    path = "/mlmodels/name/headwater.a"
    for query in ("hard=true", "hard=true&force=true", "%68ard=true", "hard=%74rue"):
        answer = site.delete(f"{path}?{query}", headers=bearer(anna))
        assert "the role admin" in problem(answer, 403, "access-denied")
    assert site.get(path, headers=bearer(anna)).status_code == 200
    boss = bearer(make("boss", role="admin"))
    assert site.delete(f"{path}?hard=true", headers=boss).is_success
    assert site.get(path, headers=boss).status_code == 404


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_only_admins_manage_tokens(site: httpx.Client, make: Make, role: str) -> None:
    new = make(role=role)
    body = {"user": "anna", "role": "admin"}
    path = f"/tokens/{new.token.id}"
    for answer in (
        site.get("/tokens", headers=bearer(new)),
        site.post("/tokens", json=body, headers=bearer(new)),
        site.delete(path, headers=bearer(new)),
    ):  # not the role editor first, and then another
        assert "the role admin" in problem(answer, 403, "access-denied")
    assert status(site, new) == 200


def test_an_editor_does_not_delete_an_admin(site: httpx.Client, make: Make) -> None:
    boss, anna = make("boss", role="admin"), make()
    answer = site.delete("/users/name/boss", headers=bearer(anna))
    problem(answer, 403, "access-denied")
    assert status(site, boss) == 200


# Who is said to have written


def event(site: httpx.Client, new: NewToken) -> tuple[str, str | None]:
    newest = site.get("/events", params={"limit": 1000}, headers=bearer(new)).json()["data"][-1]
    return newest["actor"], newest.get("producer")


def test_a_person_writes_by_name(site: httpx.Client, anna: NewToken) -> None:
    status(site, anna, "PUT")
    assert event(site, anna) == ("anna", None)


def test_a_producer_lowers_a_person_to_a_bot(site: httpx.Client, anna: NewToken) -> None:
    site.put("/mlmodels", json={**MODEL, "description": "by hand"}, headers=bearer(anna))
    body = {**MODEL, "algorithm": "c", "description": "by machine"}
    answer = site.put("/mlmodels", json=body, headers=bearer(anna, **{PRODUCER: "sync"}))
    assert (answer.json()["description"], answer.json()["algorithm"]) == ("by hand", "c")
    assert event(site, anna) == ("anna", "sync")


def test_a_bot_without_a_producer_writes_as_itself(site: httpx.Client, make: Make) -> None:
    bot, other = (make(name, kind="bot") for name in ("nightly", "hourly"))
    features = [[{"name": name, "dataType": "numerical"}] for name in ("one", "two")]
    for new, mine in ((bot, features[0]), (other, features[1])):
        site.put("/mlmodels", json={**MODEL, "mlFeatures": mine}, headers=bearer(new))
    answer = site.put("/mlmodels", json={**MODEL, "mlFeatures": []}, headers=bearer(bot))
    assert [each["name"] for each in answer.json()["mlFeatures"]] == ["two"], "its own list alone"


@pytest.mark.parametrize("producer", ["person", "bot:person", "entity:1", "", "anna"])
def test_nothing_raises_a_bot_to_a_person(
    site: httpx.Client, anna: NewToken, make: Make, producer: str
) -> None:
    bot = make("nightly", kind="bot")
    site.put("/mlmodels", json={**MODEL, "description": "by hand"}, headers=bearer(anna))
    answer = site.put(
        "/mlmodels",
        json={**MODEL, "description": "by machine"},
        headers=bearer(bot, **{PRODUCER: producer}),
    )
    assert answer.status_code == (200 if producer == "anna" else 400)
    found = site.get("/mlmodels/name/headwater.a", headers=bearer(anna)).json()
    assert found["description"] == "by hand"


def test_a_bot_does_not_make_itself_a_person_by_a_token(site: httpx.Client, make: Make) -> None:
    bot = make("nightly", kind="bot", role="admin")
    body = {"user": "anna", "role": "admin", "kind": "person"}
    problem(site.post("/tokens", json=body, headers=bearer(bot)), 403, "access-denied")
    made = site.post("/tokens", json={"user": "anna", "role": "admin"}, headers=bearer(bot))
    assert made.json()["kind"] == "bot"
    boss = bearer(make("boss", role="admin"), **{PRODUCER: "sync"})
    problem(site.post("/tokens", json=body, headers=boss), 403, "access-denied")


# Where requests come from


@pytest.mark.parametrize("host", ["catalog.example.com", "10.0.0.1:8585", "localhost", "[::]:1"])
def test_with_a_token_any_host_is_served(site: httpx.Client, anna: NewToken, host: str) -> None:
    assert status(site, anna, Host=host) == 200


@pytest.mark.parametrize(
    "header",
    ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"],
)
def test_with_a_token_a_proxy_may_stand_between(
    site: httpx.Client, anna: NewToken, header: str
) -> None:
    assert status(site, anna, **{header: "192.0.2.1", "Host": "catalog.example.com"}) == 200


@pytest.mark.parametrize(
    "header", ["Forwarded", "Via", "X-Forwarded-For", "X-Real-IP", "X-Forwarded-Host"]
)
@pytest.mark.parametrize("value", ["127.0.0.1", "localhost", "for=127.0.0.1"])
def test_forged_forwarding_headers_do_for_no_token(
    site: httpx.Client, anna: NewToken, header: str, value: str
) -> None:
    refused(site.get("/mlmodels", headers={header: value}))


def test_a_rebound_name_does_for_no_token(site: httpx.Client, anna: NewToken) -> None:
    host = "attacker.example.com:8585"
    refused(site.get("/mlmodels", headers={"Host": host, "Origin": f"http://{host}"}))
    refused(site.get("/mlmodels", headers={"Host": host}))


def test_being_local_does_for_no_token(site: httpx.Client, anna: NewToken) -> None:
    refused(site.get("/mlmodels", headers={"Host": "127.0.0.1:8585"}))


@pytest.mark.parametrize(
    "origin",
    [
        "http://attacker.example.com", "https://attacker.example.com", "null", "",
        "https://catalog.example.com:8443", "https://catalog.example.com.attacker.example.com",
        "ftp://catalog.example.com", "catalog.example.com", "https://x@catalog.example.com",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS"])
def test_a_page_of_another_site_is_refused_in_spite_of_a_token(
    site: httpx.Client, anna: NewToken, method: str, origin: str
) -> None:
    headers = bearer(anna, Host="catalog.example.com", Origin=origin)
    answer = site.request(method, "/mlmodels", headers=headers)
    problem(answer, 403, "access-denied")
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("catalog.example.com", "https://catalog.example.com"),
        ("catalog.example.com", "http://catalog.example.com"),
        ("catalog.example.com:8443", "https://Catalog.example.com:8443"),
        ("localhost:8585", "http://localhost:8585"),
    ],
)
def test_its_own_page_is_served_by_a_proxy_that_ends_tls_too(
    site: httpx.Client, anna: NewToken, host: str, origin: str
) -> None:
    assert status(site, anna, "PUT", Host=host, Origin=origin) == 201


def test_a_page_of_https_is_not_its_own_without_tokens(site: httpx.Client) -> None:
    headers = {"Host": "localhost", "Origin": "https://localhost"}
    problem(site.get("/mlmodels", headers=headers), 403, "access-denied")


def test_with_a_token_a_write_is_checked_as_ever(site: httpx.Client, anna: NewToken) -> None:
    headers = bearer(anna, **{"Content-Type": "text/plain"})
    problem(site.put("/mlmodels", content=b"{}", headers=headers), 415, "unsupported-media-type")


# A remote store


def test_a_remote_store_is_not_asked_again_for_every_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(auth, "monotonic", lambda: 10.0)
    store = Remote("sqlite://")
    store.migrate()
    with httpx.Client(base_url=API, transport=InProcessTransport(store, sign_in=True)) as site:
        site.get("/mlmodels")
        made = site.post("/tokens", json={"user": "anna", "role": "admin"}).json()
        headers = {"Authorization": f"Bearer {made['secret']}"}
        before = store.asked
        assert {site.get("/mlmodels", headers=headers).status_code for _ in range(20)} == {200}
        assert store.asked - before == 2, "whether sign-in is on, and for the token"


def test_over_a_remote_store_tokens_start_and_end_at_once_in_one_process() -> None:
    store = Remote("sqlite://")
    store.migrate()
    with httpx.Client(base_url=API, transport=InProcessTransport(store, sign_in=True)) as site:
        assert site.get("/mlmodels").status_code == 200
        made = site.post("/tokens", json={"user": "anna", "role": "admin"}).json()
        refused(site.get("/mlmodels"))
        headers = {"Authorization": f"Bearer {made['secret']}"}
        assert site.get("/mlmodels", headers=headers).status_code == 200
        assert site.delete(f"/tokens/{made['id']}", headers=headers).status_code == 200
        refused(site.get("/mlmodels", headers=headers))


def test_a_remote_store_s_word_counts_for_less_than_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Remote("sqlite://")
    store.migrate()
    clock = [10.0]
    monkeypatch.setattr(auth, "monotonic", lambda: clock[0])
    elsewhere = TokenService(store, CatalogService(store))
    with httpx.Client(base_url=API, transport=InProcessTransport(store, sign_in=True)) as site:
        assert site.get("/mlmodels").status_code == 200
        new = elsewhere.create("anna", role="viewer", actor=ME)
        clock[0] = 11.0
        refused(site.get("/mlmodels"))
        assert status(site, new) == 200
        elsewhere.revoke(new.token.id, actor=ME)
        clock[0] = 12.0
        assert status(site, new) == 401


# Over the API


def test_an_admin_makes_lists_and_revokes_tokens(site: httpx.Client, make: Make) -> None:
    boss = make("boss", role="admin")
    with Headwater("http://localhost", token=boss.secret, transport=site._transport) as hw:
        made = hw.create_token(
            "nightly", kind="bot", role="editor", expires_in=None, description="the night's run"
        )
        assert (made["user"]["name"], made["role"], made["kind"]) == ("nightly", "editor", "bot")
        assert "expiresAt" not in made
        listed = hw.tokens()
        assert listed[0] == {name: value for name, value in made.items() if name != "secret"}
        assert [each["user"]["name"] for each in listed] == ["nightly", "boss"]
        headers = {"Authorization": f"Bearer {made['secret']}"}
        assert site.put("/mlmodels", json=MODEL, headers=headers).status_code == 201
        assert hw.revoke_token(made["secret"])["revokedBy"] == "boss"
        refused(site.put("/mlmodels", json=MODEL, headers=headers))


def test_a_token_lasts_90_days_unless_something_else_is_asked(
    site: httpx.Client, make: Make
) -> None:
    boss = bearer(make("boss", role="admin"))
    for given, days in (({}, 90), ({"expiresIn": 86_400}, 1)):
        body = {"user": "anna", "role": "viewer", **given}
        made = site.post("/tokens", json=body, headers=boss).json()
        assert made["expiresAt"] - made["createdAt"] == days * 86_400_000


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"role": "owner"}, "/role"), ({"role": None}, "/role"), ({"user": 1}, "/user"),
        ({"user": ""}, "/user"), ({"kind": "human"}, "/kind"), ({"expiresIn": 0}, "/expiresIn"),
        ({"expiresIn": -1}, "/expiresIn"), ({"expiresIn": True}, "/expiresIn"),
        ({"expiresIn": 10**30}, "/expiresIn"), ({"expiresIn": "90d"}, "/expiresIn"),
        ({"description": "x" * 1001}, "/description"), ({"hash": "x"}, "/hash"),
        ({"secret": "x"}, "/secret"), ({"expires_in": 1}, "/expires_in"),
    ],
)  # fmt: skip
def test_a_request_that_is_not_valid_makes_no_token(
    client: httpx.Client, change: dict[str, Any], pointer: str
) -> None:
    answer = client.post("/tokens", json={"user": "anna", "role": "viewer", **change})
    problem(answer, 422, "invalid-input")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert client.get("/tokens").json()["data"] == []


# What is kept of a token


def test_a_token_is_in_no_answer_and_no_log(
    site: httpx.Client, anna: NewToken, caplog: pytest.LogCaptureFixture, store: Store
) -> None:
    caplog.set_level(logging.DEBUG)
    random = anna.secret.split("_", 2)[2]
    answers = [
        site.get("/mlmodels", headers=bearer(anna)),
        site.get("/nothing", headers=bearer(anna)),
        site.get("/mlmodels", headers={"Authorization": f"Basic {anna.secret}"}),
        site.get("/mlmodels", headers={"Authorization": f"Bearer {anna.secret}x"}),
        site.get(f"/users/{anna.token.user_id}", headers=bearer(anna)),
        site.get(f"/users/{anna.token.user_id}/versions", headers=bearer(anna)),
        site.get("/events", headers=bearer(anna)),
    ]
    store.close()
    answers.append(site.get("/mlmodels", headers=bearer(anna)))
    assert answers[-1].status_code == 503
    assert not [answer for answer in answers if random in answer.text]
    assert random not in caplog.text
    assert caplog.text, "something was logged"


def test_a_store_that_fails_lets_nobody_in(store: Store, anna: NewToken) -> None:
    transport = InProcessTransport(store, sign_in=True)
    store.close()
    with httpx.Client(base_url=API, transport=transport) as site:
        for headers in ({}, bearer(anna), {"Host": "example.com"}):
            problem(site.get("/mlmodels", headers=headers), 503, "store-failed")


def test_an_application_asks_for_tokens_unless_told_not_to() -> None:
    store = open_store("sqlite://")
    app = create_app(store)
    TokenService(store, CatalogService(store)).create("anna", role="admin", actor=ME)

    async def ask() -> int:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(base_url=API, transport=transport) as client:
            return (await client.get("/mlmodels")).status_code

    assert asyncio.run(ask()) == 401
    store.close()

"""HTTP/2 with servers that nobody here wrote: hypercorn, nginx and nghttpx in front of it, and nghttpd."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from anyio import create_task_group, fail_after

from anyopenai._timeouts import Timeout
from anyopenai.transport import PoolTransport, TransportFailure, WireRequest
from transport.echoing import pattern
from transport.exchanges import Source, assert_all_free, fetch
from transport.serving import Keys, Site, hypercorn, make_keys, nghttpd, nghttpx, nginx
from transport.test_network import free_port

LIMIT = Timeout(15.0)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Leave out uvloop: what it does differently lies below HTTP/2."""
    return str(request.param)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """Return a certificate."""
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def app(keys: Keys) -> Iterator[Site]:
    """Run the application by itself."""
    with hypercorn(keys) as site:
        yield site


@pytest.fixture(scope="module", params=["hypercorn", "nginx", "nghttpx"])
def site(request: pytest.FixtureRequest, app: Site, keys: Keys, tmp_path_factory: Any) -> Iterator[Site]:
    """Run each server in front of it."""
    if request.param == "nginx":
        with nginx(keys, app.clear, place=tmp_path_factory.mktemp("nginx")) as running:
            yield running
    elif request.param == "nghttpx":
        with nghttpx(keys, app.clear) as running:
            yield running
    else:
        yield app


def ask(site: Site, target: str, body: Any = b"", *, method: str = "", tls: bool = True, **options: Any) -> WireRequest:
    """Return a request for a server."""
    options.setdefault("timeout", LIMIT)
    headers = options.pop("headers", [])
    verb = method or ("POST" if body else "GET")
    scheme, port = ("https", site.tls) if tls else ("http", site.clear)
    return WireRequest(verb, scheme, "127.0.0.1", port, target.encode(), headers, body, **options)


def pool_for(site: Site, **options: Any) -> PoolTransport:
    """Return a pool that trusts a server and takes what it offers."""
    return PoolTransport(ssl_context=site.context, **options)


@pytest.mark.parametrize("tls", [True, False], ids=["alpn", "prior-knowledge"])
async def test_requests_and_answers_of_every_kind(site: Site, tls: bool) -> None:
    seen: list[str] = []

    def trace(name: str, facts: Any) -> None:
        if name == "head":
            seen.append(facts["http_version"])

    async with pool_for(site, http2="auto" if tls else True) as pool:
        said = json.loads(await fetch(pool, ask(site, "/echo", b'{"a": 1}', tls=tls, trace=trace)))
        assert (said["method"], said["bytes"]) == ("POST", 8)
        head = await pool.send(ask(site, "/bytes/1000", method="HEAD", tls=tls, trace=trace))
        assert (head.status, await head.read(10)) == (200, b"")
        nothing = await pool.send(ask(site, "/nothing", tls=tls, trace=trace))
        assert (nothing.status, await nothing.read(10)) == (204, b"")
        lost = await pool.send(ask(site, "/lost", method="DELETE", tls=tls, trace=trace))
        assert (lost.status, json.loads(await lost.read(100))) == (404, {"error": "no such path"})
        assert seen == ["HTTP/2"] * 4
        assert pool.stats().opened == 1
        assert_all_free(pool)


async def test_http2_is_not_spoken_where_it_is_switched_off(site: Site, keys: Keys) -> None:
    async with PoolTransport(http2=False, ssl_context=keys.old) as pool:
        response = await pool.send(ask(site, "/echo"))
        assert response.http_version == "HTTP/1.1"
        await response.read(1000)


async def test_large_bodies_arrive_whole_in_both_directions(site: Site) -> None:
    data = pattern(1_500_000)
    pieces = [data[start : start + 70_000] for start in range(0, len(data), 70_000)]
    async with pool_for(site) as pool:
        for body in (data, Source(pieces, len(data))):
            said = json.loads(await fetch(pool, ask(site, "/echo", body)))
            assert (said["bytes"], said["sha256"]) == (len(data), sha256(data).hexdigest())
        assert await fetch(pool, ask(site, "/bytes/3000000")) == pattern(3_000_000)
        # Of unknown length, which HTTP/1.1 would send in chunks.
        said = json.loads(await fetch(pool, ask(site, "/echo", Source(pieces))))
        assert said["sha256"] == sha256(data).hexdigest()
        assert pool.stats().opened == 1


async def test_300_requests_at_once_are_served_over_few_connections(site: Site) -> None:
    async with pool_for(site) as pool:

        async def one(number: int) -> None:
            body = b"x" * number
            assert json.loads(await fetch(pool, ask(site, "/echo", body, method="POST")))["bytes"] == number

        with fail_after(18):
            async with create_task_group() as group:
                for number in range(300):
                    group.start_soon(one, number)
        assert pool.stats().opened <= 8
        assert_all_free(pool)


async def test_a_stream_is_read_to_its_end_or_left_early_and_the_server_stops(site: Site) -> None:
    async with pool_for(site) as pool:
        left = json.loads(await fetch(pool, ask(site, "/left")))["streams"]
        assert (await fetch(pool, ask(site, "/events/20", stream=True))).endswith(b"data: [DONE]\n\n")
        for _ in range(3):
            response = await pool.send(ask(site, "/events/20000", stream=True))
            assert b"data: " in await response.receive()
            await response.aclose()
        with fail_after(10):
            while json.loads(await fetch(pool, ask(site, "/left")))["streams"] < left + 3:
                pass
        assert pool.stats().opened == 1
        assert_all_free(pool)


async def test_a_slow_reader_does_not_slow_its_siblings(site: Site) -> None:
    async with pool_for(site) as pool:
        slow = [await pool.send(ask(site, "/bytes/4000000", stream=True)) for _ in range(3)]
        async with create_task_group() as group:
            for _ in range(20):
                group.start_soon(fetch, pool, ask(site, "/bytes/100000"))
        assert pool.stats().opened == 1
        assert await slow[0].read(1 << 24) == pattern(4_000_000)
        for response in slow[1:]:
            await response.aclose()
        assert_all_free(pool)


async def test_a_timeout_ends_its_own_stream_only(site: Site) -> None:
    async with pool_for(site) as pool:
        response = await pool.send(ask(site, "/events/30", stream=True))
        with pytest.raises(TransportFailure) as caught:
            await fetch(pool, ask(site, "/sleep/30", timeout=Timeout(15, read=0.05)))
        assert (caught.value.kind, caught.value.phase) == ("timeout", "head")
        assert (await response.read(1 << 20)).endswith(b"data: [DONE]\n\n")
        assert pool.stats().opened == 1
        assert_all_free(pool)


async def test_answers_that_are_given_up_do_not_use_up_the_window(site: Site) -> None:
    async with pool_for(site) as pool:
        for _ in range(40):
            response = await pool.send(ask(site, "/bytes/1000000", stream=True))
            assert await response.receive()
            await response.aclose()
        assert await fetch(pool, ask(site, "/bytes/1000000")) == pattern(1_000_000)
        assert pool.stats().opened == 1
        assert_all_free(pool)


async def test_an_answer_that_comes_before_the_upload_has_ended_is_read(site: Site) -> None:
    data = pattern(3_000_000)
    async with pool_for(site) as pool:
        for body in (data, Source([data[:1_000_000]] * 3, len(data))):
            response = await pool.send(ask(site, "/refuse", body))
            assert (response.status, json.loads(await response.read(100))) == (413, {"error": "too large"})
            # Not a POST: hypercorn 0.18 may close the connection over it, without a notice.
            assert json.loads(await fetch(pool, ask(site, "/echo")))["bytes"] == 0
        assert_all_free(pool)


async def test_early_hints_come_before_the_answer_and_are_passed_over(app: Site) -> None:
    async with pool_for(app) as pool:
        response = await pool.send(ask(app, "/hints"))
        assert (response.status, await response.read(100)) == (200, b"{}")


async def echo_200(pool: PoolTransport, site: Site, *, tls: bool = True) -> None:
    """Send 200 bodies, 20 at a time, and see that each came whole."""

    async def ten() -> None:
        for number in range(10):
            said = json.loads(await fetch(pool, ask(site, "/echo", b"x" * number, method="POST", tls=tls)))
            assert said["bytes"] == number

    with fail_after(18):
        async with create_task_group() as group:
            for _ in range(20):
                group.start_soon(ten)


# nginx alone.


@pytest.fixture(scope="module")
def busy_nginx(app: Site, keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run nginx with connections of few requests and streams, small bodies, and a server without HTTP/2."""
    settings = "keepalive_requests 10; http2_max_concurrent_streams 3; client_max_body_size 1k;"
    with nginx(keys, app.clear, server=settings, place=tmp_path_factory.mktemp("busy")) as site:
        yield site


@pytest.mark.parametrize("tls", [True, False], ids=["tls", "clear"])
async def test_connections_of_ten_requests_and_three_streams_serve_200(busy_nginx: Site, tls: bool) -> None:
    async with pool_for(busy_nginx, http2="auto" if tls else True) as pool:
        await echo_200(pool, busy_nginx, tls=tls)
        assert pool.stats().opened >= 20
        assert_all_free(pool)


async def test_a_body_that_nginx_refuses_gives_its_answer(busy_nginx: Site) -> None:
    async with pool_for(busy_nginx) as pool:
        for body in (b"x" * 2000, b"x" * 2_000_000, Source([b"x" * 100_000] * 20)):
            response = await pool.send(ask(busy_nginx, "/echo", body))
            assert response.status == 413
            assert b"413 Request Entity Too Large" in await response.read(10_000)
        assert json.loads(await fetch(pool, ask(busy_nginx, "/echo", b"small")))["bytes"] == 5


async def test_requests_go_on_unharmed_while_nginx_reloads(
    app: Site, keys: Keys, tmp_path: Path, anyio_backend: str
) -> None:
    with nginx(keys, app.clear, place=tmp_path) as site:
        async with pool_for(site) as pool:
            done = 0

            async def some() -> None:
                nonlocal done
                while pool.stats().opened < 4:
                    number = done
                    done += 1
                    said = json.loads(await fetch(pool, ask(site, "/echo", b"x" * number, method="POST")))
                    assert said["bytes"] == number
                    if done % 60 == 0:
                        site.tell(signal.SIGHUP)

            with fail_after(18):
                async with create_task_group() as group:
                    for _ in range(10):
                        group.start_soon(some)
            assert_all_free(pool)


@pytest.mark.soak
@pytest.mark.timeout(300)
async def test_10000_requests_survive_short_connections_and_reloads(app: Site, keys: Keys, tmp_path: Path) -> None:
    with nginx(keys, app.clear, server="keepalive_requests 50;", place=tmp_path) as site:
        async with pool_for(site) as pool:
            done = 0

            async def some() -> None:
                nonlocal done
                for number in range(100):
                    body = b"x" * (number * 100)
                    said = json.loads(await fetch(pool, ask(site, "/echo", body, method="POST", timeout=Timeout(60))))
                    assert said["bytes"] == len(body)
                    done += 1
                    if done % 1000 == 0:
                        site.tell(signal.SIGHUP)

            async with create_task_group() as group:
                for _ in range(100):
                    group.start_soon(some)
            assert done == 10_000
            assert pool.stats().opened >= 200
            assert_all_free(pool)


async def test_http1_is_spoken_where_the_server_chooses_it(app: Site, keys: Keys, tmp_path: Path) -> None:
    port = free_port()
    old = f"server {{ listen 127.0.0.1:{port} ssl; location / {{ proxy_pass http://app; }} }}"
    with nginx(keys, app.clear, extra=old, place=tmp_path) as site:
        site = site._replace(tls=port)
        async with pool_for(site) as pool:
            response = await pool.send(ask(site, "/echo"))
            assert response.http_version == "HTTP/1.1"
            await response.read(1000)
        async with pool_for(site, http2=True) as pool:
            with pytest.raises(TransportFailure, match=r"did not choose HTTP/2, which http2=True demands"):
                await fetch(pool, ask(site, "/echo"))
            assert_all_free(pool)


# nghttpx and nghttpd alone.


async def test_nghttpx_with_five_streams_and_connections_of_twenty_requests(app: Site, keys: Keys) -> None:
    options = ("--frontend-http2-max-concurrent-streams=5", "--frontend-max-requests=20")
    with nghttpx(keys, app.clear, *options) as site:
        async with pool_for(site) as pool:
            await echo_200(pool, site)
            assert pool.stats().opened >= 10
            assert_all_free(pool)


async def test_nghttpx_with_small_windows_takes_large_uploads(app: Site, keys: Keys) -> None:
    with nghttpx(keys, app.clear, "--frontend-http2-window-size=1000") as site:
        async with pool_for(site) as pool:
            data = pattern(300_000)
            said = json.loads(await fetch(pool, ask(site, "/echo", data)))
            assert said["sha256"] == sha256(data).hexdigest()


async def test_nghttpx_that_is_told_to_quit_lets_requests_end(app: Site, keys: Keys) -> None:
    with nghttpx(keys, app.clear) as site:
        async with pool_for(site) as pool:
            response = await pool.send(ask(site, "/events/40", stream=True))
            site.tell(signal.SIGQUIT)
            with fail_after(10):
                assert (await response.read(1 << 20)).endswith(b"data: [DONE]\n\n")
            assert_all_free(pool)


@pytest.fixture(scope="module")
def files(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run nghttpd with trailers, padding, two streams at a time, the smallest windows to begin with, and uploads that come back."""
    place = tmp_path_factory.mktemp("files")
    (place / "large").write_bytes(pattern(1_000_000))
    options = ["--trailer", "x-checksum: 1", "--padding=255", "-m2", "-w16", "-W16", "--echo-upload"]
    with nghttpd(keys, place, *options) as site:
        yield site


async def test_nghttpd_sends_padded_files_with_trailers_two_at_a_time(files: Site) -> None:
    async with pool_for(files) as pool:

        async def one() -> None:
            assert await fetch(pool, ask(files, "/large")) == pattern(1_000_000)

        with fail_after(15):
            async with create_task_group() as group:
                for _ in range(6):
                    group.start_soon(one)
        assert_all_free(pool)


async def test_nghttpd_sends_back_what_it_is_sent(files: Site) -> None:
    data = pattern(400_000)
    async with pool_for(files) as pool:
        assert await fetch(pool, ask(files, "/anything", data)) == data
        assert await fetch(pool, ask(files, "/anything", Source([data[:100_000], data[100_000:]], len(data)))) == data

"""Proxies' URLs, the rules by which one is chosen, and what the environment says; credentials show nowhere."""

from __future__ import annotations

import pickle
from base64 import b64decode
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai import OpenAIError
from anyopenai._sansio.proxies import (
    DIRECT,
    Proxy,
    ProxyRules,
    parse_proxy,
    rules_from,
    rules_from_environment,
)

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("http://proxy.example", "http://proxy.example:80"),
        ("HTTPS://Proxy.Example/", "https://proxy.example:443"),
        ("socks5://[::1]", "socks5://[::1]:1080"),
        ("socks5h://10.0.0.1:9050/path?query", "socks5h://10.0.0.1:9050"),
        ("socks://127.0.0.1:7890/", "socks5h://127.0.0.1:7890"),
        ("  http://user:p@ss@proxy:1 ", "http://proxy:1"),
        ("bücher.example:1", "http://xn--bcher-kva.example:1"),
    ],
)
def test_a_proxy_is_read_as_people_write_it(text: str, shown: str) -> None:
    assert parse_proxy(text).shown == shown


@pytest.mark.parametrize(
    "text",
    [
        f"ftp://user:{SECRET}@proxy:1",
        f"socks4://user:{SECRET}@proxy:1",
        f"http://user:{SECRET}@",
        f"http://user:{SECRET}@proxy:99999",
        f"http://user:{SECRET}@pro xy:1",
        f"http://us%3Aer:{SECRET}@proxy:1",
        f"socks5://:{SECRET}@proxy:1",
        f"socks5://{'u' * 256}:{SECRET}@proxy:1",
        f"socks5://u:{SECRET * 50}@proxy:1",
        "",
    ],
    ids=lambda text: text.replace(SECRET, "")[:24],
)
def test_what_is_no_proxy_is_refused_without_showing_credentials(text: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the messages differ, and none shows the secret
        parse_proxy(text)
    assert SECRET not in str(caught.value)
    with pytest.raises(ValueError, match=r"^HTTPS_PROXY: ") as caught:
        rules_from_environment({"HTTPS_PROXY": text or "://"})
    assert SECRET not in str(caught.value)


@given(username=st.text(min_size=1), password=st.text())
def test_credentials_are_percent_decoded_and_nothing_shows_them(username: str, password: str) -> None:
    username = username.replace(":", "").encode("utf-8", "replace").decode() or "u"
    password = password.encode("utf-8", "replace").decode()
    proxy = parse_proxy(f"http://{quote(username, safe='')}:{quote(password, safe='')}@proxy.example:3128")
    assert proxy.authorization is not None
    assert b64decode(proxy.authorization.removeprefix(b"Basic ")).decode() == f"{username}:{password}"
    assert repr(proxy) == "<Proxy http://proxy.example:3128 with credentials>"
    assert proxy.shown == "http://proxy.example:3128"
    assert repr(rules_from({"all": proxy})) == "<ProxyRules {'all': 'http://proxy.example:3128'}>"


def test_a_proxy_with_credentials_is_not_pickled() -> None:
    with pytest.raises(OpenAIError, match="not pickled"):
        pickle.dumps(parse_proxy(f"http://u:{SECRET}@p:1"))
    plain = parse_proxy("http://p:1")
    assert pickle.loads(pickle.dumps(plain)) == plain
    assert hash(plain) == hash(parse_proxy("p:1"))
    assert plain != "http://p:1"


@given(st.text())
def test_any_text_is_a_proxy_or_refused(text: str) -> None:
    try:
        proxy = parse_proxy(text)
    except ValueError:
        return
    assert parse_proxy(proxy.shown).shown == proxy.shown


def chosen(rules: ProxyRules, url: str) -> str | None:
    scheme, _, authority = url.partition("://")
    host, _, port = authority.partition(":")
    proxy = rules.proxy_for(scheme, host, int(port or {"https": 443, "wss": 443}.get(scheme, 80)))
    return None if proxy is None else proxy.host


@pytest.mark.parametrize(
    ("given_rules", "url", "host"),
    [
        (None, "https://a.example", None),
        ("http://p", "https://a.example", "p"),
        ("http://p", "wss://a.example", "p"),
        ("http://p", "http+unix://%2Frun", None),
        ({"https": "http://p"}, "https://a.example", "p"),
        ({"https://": "http://p"}, "wss://a.example", "p"),
        ({"https://": "http://p"}, "http://a.example", None),
        ({"all": "http://p", "http": None}, "http://a.example", None),
        ({"http": None, "all://": "http://p"}, "ws://a.example", None),
        ({"all": "http://p", "all://a.example": "http://q"}, "https://a.example", "q"),
        ({"all": "http://p", "all://a.example": "http://q"}, "https://b.a.example", "p"),
        ({"all": "http://p", "all://*.a.example": "http://q"}, "https://b.a.example", "q"),
        ({"all": "http://p", "all://*.a.example": "http://q"}, "https://a.example", "p"),
        ({"all": "http://p", "all://*a.example": "http://q"}, "https://a.example", "q"),
        ({"all": "http://p", "all://*a.example": "http://q"}, "https://ba.example", "p"),
        ({"all": "http://p", "all://*": None}, "https://a.example", "p"),
        ({"all://a.example": "http://p", "all://a.example:8080": None}, "https://a.example:8080", None),
        ({"all://a.example": "http://p", "https://a.example": "http://q"}, "https://A.example.", "q"),
        ({"all://*.example": "http://p", "all://*.a.example": "http://q"}, "https://b.a.example", "q"),
        ({"all://*.a.example": "http://p", "all://b.a.example": "http://q"}, "https://b.a.example", "q"),
        ({}, "https://a.example", None),
    ],
)
def test_the_most_specific_rule_decides(given_rules: Any, url: str, host: str | None) -> None:
    rules = rules_from(given_rules)
    assert chosen(rules, url) == host
    assert rules_from(rules) is rules
    # What shows of the rules makes the same rules again.
    assert chosen(rules_from(rules.patterns), url) == host


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (7, TypeError),
        (["http://p"], TypeError),
        ({"all": 7}, TypeError),
        ({7: "http://p"}, TypeError),
        ({"ftp": "http://p"}, ValueError),
        ({"no_proxy": "http://p"}, ValueError),
        ({"all://a b": "http://p"}, ValueError),
        ({"all": f"ftp://u:{SECRET}@p"}, ValueError),
    ],
    ids=repr,
)
def test_rules_that_are_none_are_refused(wrong: Any, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        rules_from(wrong)
    assert SECRET not in str(caught.value)


def test_a_url_object_of_another_package_keeps_its_credentials() -> None:
    """Such as httpx's, whose text may hide the password."""
    url = SimpleNamespace(scheme="http", raw_host=b"::1", host="::1", port=3128, userinfo=b"us%40er:pw")
    proxy = rules_from(url).proxy_for("https", "a.example", 443)
    assert proxy == Proxy("http", "::1", 3128, b"us@er", b"pw")
    url = SimpleNamespace(scheme="socks5h", raw_host=b"p.example", host="p.example", port=None, userinfo=b"")
    assert rules_from({"all": url}).proxy_for("https", "a.example", 443) == Proxy("socks5h", "p.example", 1080)


@pytest.mark.parametrize(
    ("environ", "url", "host"),
    [
        ({}, "https://a.example", None),
        ({"HTTPS_PROXY": "http://p"}, "https://a.example", "p"),
        ({"HTTPS_PROXY": "http://p"}, "http://a.example", None),
        ({"https_proxy": "http://q", "HTTPS_PROXY": "http://p"}, "https://a.example", "q"),
        ({"https_proxy": "", "HTTPS_PROXY": "http://p"}, "https://a.example", None),
        ({"ALL_PROXY": "socks5://p"}, "https://a.example", "p"),
        ({"all_proxy": "socks5://q", "ALL_PROXY": "socks5://p"}, "http://a.example", "q"),
        ({"ALL_PROXY": "socks5://p", "HTTPS_PROXY": "http://q"}, "wss://a.example", "q"),
        ({"HTTP_PROXY": "http://p"}, "http://a.example", "p"),
        ({"HTTP_PROXY": "http://p", "REQUEST_METHOD": "GET"}, "http://a.example", None),
        ({"HTTP_PROXY": "http://p", "http_proxy": "http://q", "REQUEST_METHOD": "GET"}, "http://a.example", "q"),
        ({"HTTPS_PROXY": "http://p", "REQUEST_METHOD": "GET"}, "https://a.example", "p"),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "a.example"}, "https://b.a.example", None),
        ({"HTTPS_PROXY": "http://p", "no_proxy": "b.example", "NO_PROXY": "a.example"}, "https://a.example", "p"),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "10.0.0.0/8"}, "https://10.1.1.1", None),
        ({"HTTPS_PROXY": "http://p"}, "https://localhost", None),
        ({"HTTP_PROXY": "http://p"}, "http://127.0.0.1:8000", None),
        ({"HTTPS_PROXY": " http://p\n"}, "https://a.example", "p"),
    ],
    ids=str,
)
def test_the_environment_is_read_as_curl_reads_it(environ: dict[str, str], url: str, host: str | None) -> None:
    assert chosen(rules_from_environment(environ), url) == host


def test_rules_are_values() -> None:
    assert rules_from("http://p") == rules_from({"all": "http://p"})
    assert rules_from("http://p") != rules_from("http://q")
    assert rules_from("http://p") != "http://p"
    assert hash(rules_from("http://p")) == hash(rules_from("http://p"))
    assert not DIRECT
    assert rules_from("http://p")
    assert rules_from({"all": "http://u:p@h", "http": None}).has_credentials
    assert not rules_from("http://p").has_credentials

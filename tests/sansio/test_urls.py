"""URLs: one segment per argument, one host per base URL, and redirects that lead where the standard says."""

from __future__ import annotations

import pickle
import re
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai._sansio.urls import URL, expand_path, join, origin, parse_url, resolve_redirect, same_origin

BASE = parse_url("https://api.openai.com/v1")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("https://api.openai.com/v1", ("https", "api.openai.com", 443, "/v1", "")),
        ("https://api.openai.com/v1/", ("https", "api.openai.com", 443, "/v1/", "")),
        ("https://api.openai.com", ("https", "api.openai.com", 443, "/", "")),
        ("http://localhost:8000/v1", ("http", "localhost", 8000, "/v1", "")),
        ("HTTP://LocalHost", ("http", "localhost", 80, "/", "")),
        ("https://host:443/x", ("https", "host", 443, "/x", "")),
        ("https://host:/x", ("https", "host", 443, "/x", "")),
        (" \thttps://host/x\r\n", ("https", "host", 443, "/x", "")),
        ("https://host?a=b", ("https", "host", 443, "/", "a=b")),
        ("https://host/x?a=b?c&d=/", ("https", "host", 443, "/x", "a=b?c&d=/")),
        ("https://host/x#fragment", ("https", "host", 443, "/x", "")),
        ("https://host#fragment", ("https", "host", 443, "/", "")),
        ("http://127.0.0.1:65535/", ("http", "127.0.0.1", 65535, "/", "")),
        ("http://127.0.0.1:1/", ("http", "127.0.0.1", 1, "/", "")),
        ("http://[::1]:8080/v1", ("http", "::1", 8080, "/v1", "")),
        ("http://[2001:DB8::1]", ("http", "2001:db8::1", 80, "/", "")),
        ("http://[fe80::1%25eth0]/", ("http", "fe80::1%eth0", 80, "/", "")),
        ("http://[::ffff:1.2.3.4]/", ("http", "::ffff:1.2.3.4", 80, "/", "")),
        ("http://my_service.name-space.svc.:81/", ("http", "my_service.name-space.svc.", 81, "/", "")),
        ("https://bücher.example/ü?q=ü", ("https", "xn--bcher-kva.example", 443, "/%C3%BC", "q=%C3%BC")),
        ("https://例え.テスト/", ("https", "xn--r8jz45g.xn--zckzah", 443, "/", "")),
        ("https://host/a b/%20/%zz/[x]", ("https", "host", 443, "/a%20b/%20/%25zz/%5Bx%5D", "")),
        ("https://host/a?b=c d&e=[f]", ("https", "host", 443, "/a", "b=c%20d&e=%5Bf%5D")),
        ("https://host/a/../b/./c", ("https", "host", 443, "/a/../b/./c", "")),
        ("https://host//a//b", ("https", "host", 443, "//a//b", "")),
    ],
)
def test_base_urls_are_taken_apart(text: str, parts: tuple[str, str, int, str, str]) -> None:
    url = parse_url(text)
    assert (url.scheme, url.host, url.port, url.path, url.query) == parts
    assert parse_url(str(url)) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api.openai.com/v1",
        "/v1",
        "//api.openai.com/v1",
        "ftp://host/",
        "file:///etc/passwd",
        "https:/host",
        "https:host",
        "https://",
        "https:///v1",
        "https://:443/",
        "https://host:0/",
        "https://host:65536/",
        "https://host:-1/",
        "https://host:8a/",
        "https://host:٨/",
        "https://host:80:81/",
        "https://ho st/",
        "https://host\n.evil/",
        "https://ho\0st/",
        "https://host\\@evil.example/",
        "https://a..b/",
        "https://-host/",
        "https://ho%73t/",
        "https://ho<st/",
        "https://[::1/",
        "https://[::g]/",
        "https://[1.2.3.4]/",
        "https://[::1]x/",
        "https://[]/",
        "https://faß.example/",
        "https://a\u200db.example/",
        "https://" + "ü" * 70 + ".example/",
        "https://host/\ud800",
    ],
)
def test_what_is_no_usable_base_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_url(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://user:hunter2@host/v1",
        "https://hunter2@host/v1",
        "https://user:hunter2@host:99999/",
        "ftp://user:hunter2@host/",
        "https://user:hunter2@host/@x",
        "https:user:hunter2@host",
        "user:hunter2@host",
    ],
)
def test_credentials_in_a_base_url_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"user name or password|no absolute") as caught:
        parse_url(text)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("base", ["https://h/v1", "https://h/v1/"])
@pytest.mark.parametrize("path", ["/models", "models"])
def test_slashes_between_base_and_path_do_not_matter(base: str, path: str) -> None:
    assert str(join(parse_url(base), path)) == "https://h/v1/models"


# The right column is what openai-python 3.51.0 asks for, `y=2` given as params, except where the comment says so.
@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("foo", "https://api.openai.com/v1/foo?y=2"),
        ("/foo", "https://api.openai.com/v1/foo?y=2"),
        ("foo?x=1", "https://api.openai.com/v1/foo?x=1&y=2"),
        ("/a%2Fb/é", "https://api.openai.com/v1/a%2Fb/%C3%A9?y=2"),
        ("http://other.test/zz?q=1", "http://other.test/zz?q=1&y=2"),
        ("HTTPS://Other.Test", "https://other.test/?y=2"),
        ("/models/ft:gpt:x", "https://api.openai.com/v1/models/ft:gpt:x?y=2"),
        ("/foo#bar", "https://api.openai.com/v1/foo?y=2"),
        ("/q?url=http://x.test/", "https://api.openai.com/v1/q?url=http://x.test/&y=2"),
        # Dot segments are sent as given: a path is not a place for us to guess what was meant.
        ("/a/../b", "https://api.openai.com/v1/a/../b?y=2"),
    ],
)
def test_paths_go_below_the_base_and_absolute_urls_are_used_as_they_are(path: str, url: str) -> None:
    assert str(join(BASE, path, "y=2")) == url


def test_the_base_keeps_its_own_query() -> None:
    base = parse_url("https://h/openai?api-version=1")
    assert str(join(base, "/models")) == "https://h/openai/models?api-version=1"
    assert str(join(base, "/models?a=b", "c=d")) == "https://h/openai/models?api-version=1&a=b&c=d"


def test_a_base_without_a_path_works() -> None:
    assert str(join(parse_url("http://h:81"), "/models")) == "http://h:81/models"


def test_a_path_cannot_choose_another_host() -> None:
    for path in ("//evil.example/x", "///evil.example", "/\\evil.example", "@evil.example", ":80@evil.example/"):
        assert join(BASE, path).host == "api.openai.com", path


def test_an_absolute_url_with_credentials_is_refused() -> None:
    with pytest.raises(ValueError, match="user name or password"):
        join(BASE, "https://user:pw@h/")


# What openai-python 3.51.0 sends for models.retrieve(<left>).
@pytest.mark.parametrize(
    ("argument", "segment"),
    [
        ("file-abc_123", "file-abc_123"),
        ("ft:gpt:a/b", "ft:gpt:a%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("a b", "a%20b"),
        ("é", "%C3%A9"),
        ("100%", "100%25"),
        ("%2e", "%252e"),
        ("%2E%2e", "%252E%252e"),
        (".%2e", ".%252e"),
        ("%41", "%2541"),
        ("a;b,c=d@e+f!$&'()*~", "a;b,c=d@e+f!$&'()*~"),
        ("[x]", "%5Bx%5D"),
        ("\\", "%5C"),
        ('a|b"<>^`{}', "a%7Cb%22%3C%3E%5E%60%7B%7D"),
        ("...", "..."),
        ("a..", "a.."),
        ("a/../b", "a%2F..%2Fb"),
        ("a\r\nb", "a%0D%0Ab"),
        ("{file_id}", "%7Bfile_id%7D"),
    ],
)
def test_an_argument_is_one_path_segment(argument: str, segment: str) -> None:
    assert expand_path("/models/{model}", [argument]) == f"/models/{segment}"


def test_arguments_are_escaped_separately_and_in_order() -> None:
    template = "/vector_stores/{vector_store_id}/files/{file_id}/content"
    assert expand_path(template, ("a/b", "c/d")) == "/vector_stores/a%2Fb/files/c%2Fd/content"
    assert expand_path("/models", ()) == "/models"


@pytest.mark.parametrize("argument", ["", ".", "..", None])
def test_arguments_that_are_no_name_are_refused_by_parameter(argument: str | None) -> None:
    with pytest.raises(ValueError, match="file_id must name something"):
        expand_path("/files/{file_id}/x/{other}", [argument, "o"])  # type: ignore[list-item]  # None is what is refused


@pytest.mark.parametrize("argument", [3, b"x", ["x"]])
def test_arguments_that_are_no_text_are_refused_by_parameter(argument: object) -> None:
    with pytest.raises(TypeError, match="file_id must be text, not"):
        expand_path("/files/{file_id}", [argument])  # type: ignore[list-item]  # what the error is about


def test_an_argument_that_is_not_unicode_is_refused_by_parameter() -> None:
    with pytest.raises(ValueError, match="file_id holds text that is not valid Unicode"):
        expand_path("/files/{file_id}", ["\ud800"])


@pytest.mark.parametrize("args", [(), ("a", "b")])
def test_a_wrong_number_of_arguments_is_refused(args: tuple[str, ...]) -> None:
    with pytest.raises(TypeError, match="takes 1 arguments"):
        expand_path("/files/{file_id}", args)


@given(first=st.text(min_size=1), second=st.text(min_size=1))
@settings(max_examples=150)
def test_any_arguments_decode_to_what_was_given(first: str, second: str) -> None:
    if {first, second} & {".", ".."}:
        return
    url = join(BASE, expand_path("/a/{one}/b/{two}", [first, second]))
    assert re.fullmatch(rb"[!-~]+", url.target)
    assert url.query == ""
    assert [unquote(segment) for segment in url.path.split("/")] == ["", "v1", "a", first, "b", second]


@given(path=st.text())
@settings(max_examples=200)
def test_any_path_stays_below_the_base(path: str) -> None:
    try:
        url = join(BASE, path)
    except ValueError:
        assert "://" in path
        return
    if "://" not in path:
        assert origin(url) == origin(BASE)
        assert url.path.startswith("/v1/")
    assert re.fullmatch(rb"/[!-~]*", url.target)


@given(text=st.text(max_size=40) | st.from_regex(r"https?://[^\r\n]{0,30}", fullmatch=True))
@settings(max_examples=200)
def test_any_text_is_a_url_or_a_value_error(text: str) -> None:
    try:
        url = parse_url(text)
    except ValueError:
        return
    assert re.fullmatch(rb"/[!-~]*", url.target)
    assert url.host
    assert url.host.isascii()
    assert not set(url.host) & set(" /?#@\\\r\n")
    assert 0 < url.port < 65536


def test_the_request_target_is_path_and_query() -> None:
    assert parse_url("https://h").target == b"/"
    assert parse_url("https://h/a?b=c").target == b"/a?b=c"
    assert parse_url("https://h?b=c").target == b"/?b=c"


@pytest.mark.parametrize(
    ("text", "authority"),
    [
        ("https://h:443", "h"),
        ("https://h:80", "h:80"),
        ("http://h:80", "h"),
        ("http://[::1]:80/", "[::1]"),
        ("http://[::1]:81/", "[::1]:81"),
    ],
)
def test_the_authority_is_what_a_host_field_says(text: str, authority: str) -> None:
    assert parse_url(text).authority == authority


def test_more_parameters_go_behind_those_there() -> None:
    assert str(parse_url("https://h/x").with_query("a=b")) == "https://h/x?a=b"
    assert str(parse_url("https://h/x?a=b").with_query("c=d")) == "https://h/x?a=b&c=d"
    assert BASE.with_query("") is BASE


def test_urls_compare_by_value_and_travel() -> None:
    one, two = parse_url("https://H:443/a?b"), parse_url("https://h/a?b")
    assert one == two
    assert hash(one) == hash(two)
    assert one != parse_url("https://h/a")
    assert one != "https://h/a?b"
    assert pickle.loads(pickle.dumps(one)) == one
    assert repr(one) == "URL('https://h/a?b')"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://h/a", "https://h/b?c", True),
        ("https://h", "https://h:443", True),
        ("https://h", "https://h:8443", False),
        ("https://h", "http://h", False),
        ("http://h:443", "https://h", False),
        ("https://h", "https://x.h", False),
        ("https://h", "https://h.", False),
        ("https://H", "https://h", True),
    ],
)
def test_another_scheme_host_or_port_is_another_origin(one: str, other: str, same: bool) -> None:
    assert same_origin(parse_url(one), parse_url(other)) is same
    assert (origin(parse_url(one)) == origin(parse_url(other))) is same


# RFC 3986, section 5.4, with an http base; fragments dropped, and the empty reference is the same document.
@pytest.mark.parametrize(
    ("reference", "target"),
    [
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g/"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q"),
        ("g#s", "http://a/b/c/g"),
        (";x", "http://a/b/c/;x"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../g", "http://a/g"),
        ("../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        ("..g", "http://a/b/c/..g"),
        ("./../g", "http://a/b/g"),
        ("g/./h", "http://a/b/c/g/h"),
        ("g/../h", "http://a/b/c/h"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
        ("https://h", "https://h/"),
        ("http://h/a/../b", "http://h/b"),
        ("HTTP://H:81/x?y#z", "http://h:81/x?y"),
    ],
)
def test_redirects_lead_where_the_standard_says(reference: str, target: str) -> None:
    assert str(resolve_redirect(parse_url("http://a/b/c/d;p?q"), reference)) == target


@given(
    location=st.text(max_size=30)
    | st.lists(st.sampled_from(["a", "..", ".", "/", "//x/", "?", "q=1", "#", "%2e", "@", ":"]), max_size=8).map(
        "".join
    )
)
@settings(max_examples=200)
def test_any_redirect_leads_to_a_clean_url_or_a_value_error(location: str) -> None:
    try:
        url = resolve_redirect(BASE, location)
    except ValueError:
        return
    assert re.fullmatch(rb"/[!-~]*", url.target)
    assert not {".", ".."} & set(url.path.split("/"))
    assert "@" not in url.host


def test_a_redirect_cannot_bring_credentials() -> None:
    url = resolve_redirect(BASE, "https://user:pw@evil.example/x")
    assert str(url) == "https://evil.example/x"
    assert str(resolve_redirect(BASE, "//user:pw@h/x")) == "https://h/x"
    for location in ("ftp://user:pw@h/", "https://user:pw@h:0/"):
        with pytest.raises(ValueError, match=r"redirect leads|port '0'") as caught:
            resolve_redirect(BASE, location)
        assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    "location",
    ["ftp://h/x", "javascript:alert(1)", "data:,x", "https:x", "https://", "http://h:99999/", "//", "http://h\\x"],
)
def test_a_redirect_to_nowhere_is_refused(location: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        resolve_redirect(BASE, location)


def test_a_redirect_in_raw_utf8_is_escaped_byte_by_byte() -> None:
    as_header = "/é?ü".encode().decode("latin-1")
    assert str(resolve_redirect(BASE, as_header)) == "https://api.openai.com/%C3%A9?%C3%BC"
    assert str(resolve_redirect(BASE, "/\xe9")) == "https://api.openai.com/%C3%A9"


def test_a_url_can_be_built_without_parsing() -> None:
    assert str(URL("http", "::1", 8080)) == "http://[::1]:8080/"

"""What drivers report, as a model may see it; what cannot be is refused in words that say where."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai.tools.browser_reports import checked_image, checked_result, checked_state, origin_of
from anyopenai.tools.browser_state import BrowserReportError
from tools.browsers import IMAGE, OUTCOME, READ, STATE, TOLD

TAB = STATE["tabs"][0]
OBSERVED: dict[str, Any] = {
    "version": 1,
    "sequence": 0,
    "dropped_changes": 0,
    "title_truncated": False,
    "changes": [],
}
OPENED: dict[str, Any] = {"type": "tab_opened", "sequence": 1, "tab_id": "t1"}
BUTTON: dict[str, Any] = {"ref": "e1", "role": "button", "label": "Pay"}
OPTION: dict[str, Any] = {"label": "One", "value": "1"}
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*OBSERVED, *TAB, *READ, *OUTCOME, "tabs"]), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://shop.example/cart?session=secret#top", "https://shop.example"),
        ("https://user:secret@shop.example:8443/", "https://shop.example:8443"),
        ("HTTP://Shop.Example", "http://shop.example"),
        ("https://shop.example:443/", "https://shop.example"),
        ("http://shop.example:443/", "http://shop.example:443"),
        ("https://[::1]:8080/x", "https://[::1]:8080"),
        ("https://münchen.example/x", "https://xn--mnchen-3ya.example"),
        ("https://@shop.example", "https://shop.example"),
        ("about:blank", "about:blank"),
        ("about:blank#x", "about:"),
        ("about:config", "about:"),
        ("file:///home/me/secret.pdf", "file:"),
        ("data:text/html,secret", "data:"),
        ("blob:https://shop.example/secret", "blob:"),
        ("Chrome-Extension://abc/x", "chrome-extension:"),
        ("javascript:alert(1)", "javascript:"),
    ],
)
def test_of_a_url_the_model_sees_scheme_and_host(url: str, shown: str) -> None:
    assert origin_of(url) == shown
    assert checked_state({"tabs": [{**TAB, "url": url}]})["tabs"][0]["url"] == shown


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop",
        "/x",
        "//shop.example/x",
        "https://",
        "https:///x",
        "https:x",
        "http://[::1",
        "https://a b/",
        "https://user@",
    ],
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BrowserReportError, match="the url of tab 't1' cannot be read"):
        checked_state({"tabs": [{**TAB, "url": url}]})


@given(path=st.text(), credentials=st.text(st.characters(exclude_characters="/?#\\")))
def test_nothing_of_a_path_or_of_credentials_is_shown(path: str, credentials: str) -> None:
    assert origin_of(f"https://{credentials}@shop.example/{path}") == "https://shop.example"


def test_a_state_is_told_with_the_members_that_are_known() -> None:
    given = {**copy.deepcopy(STATE), "cookies": "secret"}
    given["tabs"][0]["history"] = ["secret"]
    before = copy.deepcopy(given)
    assert checked_state(given) == TOLD
    assert given == before
    assert checked_state({"tabs": []}) == {"tabs": []}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (None, "expected a mapping, got NoneType"),
        ([], "expected a mapping"),
        ({}, "Expected `array`, got `null`"),
        ({"tabs": None}, "Expected `array`, got `null`"),
        ({"tabs": ["t1"]}, "Expected `object`, got `str`"),
        ({"tabs": [{**TAB, "id": 1}]}, r"Expected `str`, got `int` - at `\$\[0\].id`"),
        ({"tabs": [{**TAB, "title": None}]}, r"Expected `str`, got `null` - at `\$\[0\].title`"),
        ({"tabs": [{**TAB, "active": 1}]}, r"Expected `bool`, got `int`"),
        ({"tabs": [{"id": "t1", "url": "about:blank", "active": True}]}, "missing required field `title`"),
        ({"tabs": [TAB, TAB]}, "two tabs have the same id"),
        ({"tabs": [TAB, {**TAB, "id": "t2"}]}, "one tab must be active"),
        ({"tabs": [{**TAB, "active": False}]}, "one tab must be active"),
        ({**STATE, "observation": None}, "Expected `object`, got `null`"),
    ],
)
def test_a_state_that_cannot_be_is_refused_with_the_place(state: Any, words: str) -> None:
    with pytest.raises(BrowserReportError, match=f"Browser state report failed.*{words}"):
        checked_state(state)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"sequence": 3, "dropped_changes": 3},
        {"sequence": 1, "changes": [OPENED]},
        {"sequence": 2, "changes": [OPENED, {**OPENED, "sequence": 2, "type": "navigation"}]},
        {"sequence": 5, "dropped_changes": 4, "changes": [{**OPENED, "sequence": 5, "tab_id": "other"}]},
        {"sequence": 1, "changes": [{"type": "navigation_refused", "sequence": 1, "tab_id": None, "reason": "policy"}]},
        {"sequence": 1, "changes": [{"type": "dialog_dismissed", "sequence": 1, "tab_id": "t", "kind": "alert"}]},
        {"sequence": 1, "changes": [{"type": "download", "sequence": 1, "tab_id": None, "status": "blocked"}]},
    ],
)
def test_an_observation_is_told(changed: dict[str, Any]) -> None:
    given = {**OBSERVED, **changed}
    assert checked_state({**STATE, "observation": {**given, "more": 1}}) == {**TOLD, "observation": given}


@pytest.mark.parametrize(
    "changed",
    [
        {"version": 2},
        {"version": True},
        {"sequence": -1},
        {"sequence": 5},
        {"sequence": True},
        {"sequence": 2**53, "dropped_changes": 2**53},
        {"dropped_changes": -1},
        {"dropped_changes": 3},
        {"title_truncated": 1},
        {"changes": None},
        {"changes": [OPENED]},
        {"sequence": 5, "changes": [OPENED]},
        {"sequence": 2, "changes": [OPENED, OPENED]},
        {"sequence": 2, "changes": [{**OPENED, "sequence": 2}]},
        {"sequence": 2, "changes": [{**OPENED, "sequence": 2}, OPENED]},
        {"sequence": 1, "changes": [{**OPENED, "sequence": True}]},
        {"sequence": 1, "changes": [{**OPENED, "tab_id": None}]},
        {"sequence": 1, "changes": [{**OPENED, "tab_id": ""}]},
        {"sequence": 1, "changes": [{**OPENED, "tab_id": "x" * 129}]},
        {"sequence": 1, "changes": [{**OPENED, "type": "weird"}]},
        {"sequence": 1, "changes": [{**OPENED, "type": ["weird"]}]},
        {"sequence": 1, "changes": [{"type": "download", "sequence": 1, "tab_id": None, "status": "late"}]},
        {"sequence": 1, "changes": [{"type": "dialog_dismissed", "sequence": 1, "tab_id": None, "kind": "alert"}]},
    ],
)
def test_an_observation_with_gaps_or_of_another_shape_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(BrowserReportError, match="Browser state report failed"):
        checked_state({**STATE, "observation": {**OBSERVED, **changed}})


def test_with_an_observation_tabs_have_short_ids() -> None:
    tab = {**TAB, "id": "x" * 129}
    assert checked_state({"tabs": [tab]})["tabs"][0]["id"] == tab["id"]
    with pytest.raises(BrowserReportError, match="the id of a tab must be text of 1 to 128 bytes"):
        checked_state({"tabs": [tab], "observation": OBSERVED})


def read(**members: Any) -> dict[str, Any]:
    return {**READ, **members}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (READ, READ),
        (read(more=1, text=""), read(text="")),
        (read(elements=[{**BUTTON, "more": 1}]), read(elements=[BUTTON])),
        (read(elements=[{**BUTTON, "value": "", "checked": True}]), read(elements=[{**BUTTON, "value": ""}])),
        (
            read(elements=[{**BUTTON, "role": "checkbox", "checked": True}]),
            read(elements=[{**BUTTON, "role": "checkbox", "checked": True}]),
        ),
        (
            read(elements=[{**BUTTON, "role": "combobox", "options": [{**OPTION, "selected": True}]}]),
            read(elements=[{**BUTTON, "role": "combobox", "options": [OPTION]}]),
        ),
        (
            read(elements=[{**BUTTON, "role": "listbox", "options": [{**OPTION, "selected": True}, OPTION]}]),
            read(elements=[{**BUTTON, "role": "listbox", "options": [{**OPTION, "selected": True}, OPTION]}]),
        ),
        (read(omitted=["private", "value"]), read(omitted=["private", "value"])),
        (read(elements=[{**BUTTON, "ref": "r" * 256, "label": "é" * 128, "value": "v" * 512}]), None),
        (read(elements=[{**BUTTON, "ref": f"e{i}"} for i in range(2000)]), None),
        (read(text="x" * 1_000_000), None),
        (read(scopes=[]), READ),
    ],
)
def test_a_page_as_read_is_told_with_what_each_role_has(given: dict[str, Any], told: dict[str, Any] | None) -> None:
    before = copy.deepcopy(given)
    assert checked_result("read", given) == (told if told is not None else given)
    assert given == before


@pytest.mark.parametrize(
    "changed",
    [
        {"version": 2},
        {"version": True},
        {"text": None},
        {"text": "\ud800"},
        {"elements": None},
        {"omitted": None},
        {"omitted": ["because"]},
        {"omitted": ["private", "private"]},
        {"elements": [BUTTON, BUTTON]},
        *(
            {"elements": [{**BUTTON, **wrong}]}
            for wrong in (
                {"role": "link"},
                {"ref": ""},
                {"ref": "x" * 257},
                {"label": ""},
                {"label": "é" * 129},
                {"label": "\ud800"},
                {"value": None},
                {"value": "x" * 513},
                {"role": "radio", "checked": 1},
                {"options": [{"label": "a"}]},
                {"options": [{**OPTION, "label": ""}]},
                {"options": [{**OPTION, "value": "x" * 513}]},
                {"role": "listbox", "options": [{**OPTION, "selected": None}]},
            )
        ),
    ],
)
def test_a_page_as_read_that_cannot_be_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(BrowserReportError, match="Browser read report failed"):
        checked_result("read", read(**changed))


def test_a_part_of_a_page_has_parts_with_references_of_their_own() -> None:
    scope = {"ref": "s1", "label": "Cart"}
    told = checked_result("scoped", read(elements=[BUTTON], scopes=[{**scope, "more": 1}]))
    assert told == read(elements=[BUTTON], scopes=[scope])
    for scopes in (None, [scope, scope], [{**scope, "ref": "e1"}], [{**scope, "ref": ""}], [{**scope, "label": ""}]):
        with pytest.raises(BrowserReportError):
            checked_result("scoped", read(elements=[BUTTON], scopes=scopes))
    for other in ("text", None, READ):
        with pytest.raises(BrowserReportError):
            checked_result("scoped", other)


def test_reads_of_text_alone_have_no_elements() -> None:
    for kind in ("diagnostics", "page_text"):
        assert checked_result(kind, read(omitted=["report_limit"])) == read(omitted=["report_limit"])
        with pytest.raises(BrowserReportError, match="must report no elements"):
            checked_result(kind, read(elements=[BUTTON]))
    for other in ("text", None):
        assert checked_result("page_text", other) == other
        with pytest.raises(BrowserReportError):
            checked_result("diagnostics", other)


@pytest.mark.parametrize("kind", ["text", "read", "page_text"])
def test_text_and_nothing_are_results(kind: Any) -> None:
    for value in (None, "", "text", "\ud800"):
        assert checked_result(kind, value) == value
    for value in (5, True, b"x", [1]):
        with pytest.raises(BrowserReportError):
            checked_result(kind, value)


_EFFECTS = {"completed": ["completed"], "refused": ["none"], "unknown": ["unknown"], "interrupted": ["none", "unknown"]}


@given(
    status=st.sampled_from([*_EFFECTS, "late"]),
    effect=st.sampled_from(["completed", "none", "unknown", "late"]),
    cleanup=st.sampled_from(["not_started", "pending", "completed", "late"]),
)
def test_of_a_file_is_told_what_can_have_become_of_it(status: str, effect: str, cleanup: str) -> None:
    outcome = {"version": 1, "status": status, "effect": effect, "cleanup": cleanup}
    if effect in _EFFECTS.get(status, ()) and cleanup != "late":
        assert checked_result("file", outcome) == outcome
    else:
        with pytest.raises(BrowserReportError, match="Browser file result failed"):
            checked_result("file", outcome)


@pytest.mark.parametrize("outcome", [None, "done", {}, {**OUTCOME, "path": "/home"}, {**OUTCOME, "version": True}])
def test_a_file_result_of_another_shape_is_refused(outcome: Any) -> None:
    with pytest.raises(BrowserReportError, match="Browser file result failed"):
        checked_result("file", outcome)


@pytest.mark.parametrize(
    "image",
    [
        IMAGE,
        {**IMAGE, "detail": "original"},
        {**IMAGE, "detail": None, "file_id": None},
        {"type": "input_image", "file_id": "file_1"},
        {**IMAGE, "file_id": "file_1", "prompt_cache_breakpoint": {"mode": "explicit"}},
    ],
)
def test_a_picture_goes_as_it_is(image: dict[str, Any]) -> None:
    told = checked_image(image)
    assert told == image
    assert told is not image


@pytest.mark.parametrize(
    "image",
    [
        None,
        "data:,",
        {},
        {"type": "input_image"},
        {"type": "computer_screenshot", "image_url": "data:,"},
        {**IMAGE, "image_url": ""},
        {**IMAGE, "image_url": " "},
        {**IMAGE, "prompt_cache_breakpoint": {"mode": "implicit"}},
        {**IMAGE, "image_url": None},
        {**IMAGE, "image_url": 5},
        {**IMAGE, "file_id": 5},
        {**IMAGE, "detail": "all"},
        {**IMAGE, "path": "/home"},
    ],
)
def test_something_else_than_a_picture_is_refused(image: Any) -> None:
    with pytest.raises(BrowserReportError, match="input_image with at least one of"):
        checked_image(image)


@given(value=PLAIN, kind=st.sampled_from(["text", "read", "page_text", "scoped", "diagnostics", "script", "file"]))
def test_anything_at_all_is_told_or_refused(value: Any, kind: Any) -> None:
    for check in (checked_state, checked_image, lambda one: checked_result(kind, one)):
        with suppress(BrowserReportError):
            check(value)

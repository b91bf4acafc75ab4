"""Which tools a browser toolset declares, and what it refuses to be made of."""

from __future__ import annotations

from typing import Any

import pytest

from anyopenai.structured import strict_schema
from anyopenai.tools.browser import AsyncBrowserToolset
from anyopenai.tools.browser_members import BROWSER_MEMBERS, DEFAULT_BROWSER_MEMBERS
from tools.browsers import Browser

READING = (
    "read_page",
    "get_page_text",
    "find",
    "screenshot",
    "zoom",
    "list_tabs",
    "wait_for",
    "read_page_scoped",
)
OPENING = ("navigate", "new_tab")


async def yes(*shown: object) -> bool:
    return True


def toolset(driver: Any = None, **options: Any) -> AsyncBrowserToolset:
    return AsyncBrowserToolset(driver or Browser(), **{"confirm": yes, "url_policy": yes, **options})


def test_the_default_leaves_out_coordinates_scripts_and_files() -> None:
    assert set(BROWSER_MEMBERS) - set(DEFAULT_BROWSER_MEMBERS) == {
        "hover_at",
        "set_checked",
        "click_at",
        "drag_path",
        "hold_keys",
        "read_page_scoped",
        "read_diagnostics",
        "run_script",
        "upload_file",
        "download_file",
    }
    assert toolset().members == DEFAULT_BROWSER_MEMBERS


def test_the_default_is_what_the_driver_has_of_it() -> None:
    driver = Browser(methods=("click", "find", "run_script"))
    assert toolset(driver).members == ("find", "click", "list_tabs")
    assert toolset(driver, additional_members=["run_script", "find"]).members == (
        "find",
        "click",
        "list_tabs",
        "run_script",
    )
    assert toolset(Browser(methods=()), confirm=None, url_policy=None).members == ("list_tabs",)


def test_members_are_declared_in_the_same_order_whatever_order_they_are_named_in() -> None:
    assert toolset(members=list(reversed(BROWSER_MEMBERS))).members == BROWSER_MEMBERS
    assert toolset(members=()).tools == []


def test_declarations_are_functions_in_strict_mode() -> None:
    tools: list[Any] = list(toolset(members=BROWSER_MEMBERS).tools)
    assert [tool["name"] for tool in tools] == [f"browser_{name}" for name in BROWSER_MEMBERS]
    for tool in tools:
        assert (tool["type"], tool["strict"]) == ("function", True)
        assert tool["description"].endswith("never an instruction.")
        parameters = tool["parameters"]
        assert parameters["required"] == list(parameters["properties"])
        # Nothing is left for the strict form to add or to refuse.
        assert strict_schema(parameters, name=tool["name"]) == parameters


def test_declarations_say_what_the_arguments_may_be() -> None:
    shown: dict[str, Any] = {tool["name"]: tool["parameters"] for tool in toolset(members=BROWSER_MEMBERS).tools}
    whole = {"type": "integer", "minimum": 0, "maximum": 9007199254740991}
    tab = {"type": ["string", "null"]}
    assert shown["browser_scroll"]["properties"] == {
        "direction": {"type": "string", "enum": ["up", "down", "left", "right"]},
        "amount": whole,
        "tab_id": tab,
    }
    assert shown["browser_switch_tab"]["properties"] == {"tab_id": {"type": "string"}}
    path = shown["browser_drag_path"]["properties"]["path"]
    assert (path["minItems"], path["maxItems"], path["items"]["properties"]) == (2, 100, {"x": whole, "y": whole})
    region = shown["browser_zoom"]["properties"]["region"]
    assert (region["minItems"], region["maxItems"], region["items"]) == (4, 4, whole)
    assert shown["browser_click_at"]["properties"]["click_count"] == {"type": "integer", "enum": [1, 2, 3]}
    assert shown["browser_wait_for"]["properties"]["timeout_ms"] == {"type": "integer", "minimum": 1, "maximum": 30000}
    assert shown["browser_hold_keys"]["properties"]["duration_ms"]["maximum"] == 3000
    assert shown["browser_list_tabs"]["properties"] == {}


def test_declarations_are_new_each_time() -> None:
    one = toolset()
    changed: Any = one.tools
    changed[0]["parameters"]["properties"].clear()
    changed.clear()
    assert one.tools == toolset().tools != []


@pytest.mark.parametrize("name", BROWSER_MEMBERS)
def test_members_that_change_something_need_confirm_and_those_that_open_urls_a_policy(name: str) -> None:
    for policies in ({}, {"url_policy": yes}):
        if name in READING:
            AsyncBrowserToolset(Browser(), members=[name], **policies)
        else:
            with pytest.raises(ValueError, match=f"require confirm.*{name}"):
                AsyncBrowserToolset(Browser(), members=[name], **policies)
    if name in OPENING:
        with pytest.raises(ValueError, match=f"require url_policy.*{name}"):
            AsyncBrowserToolset(Browser(), members=[name], confirm=yes)
    else:
        AsyncBrowserToolset(Browser(), members=[name], confirm=yes)


@pytest.mark.parametrize("name", BROWSER_MEMBERS)
def test_only_reads_can_be_named_in_confirm_reads(name: str) -> None:
    if name in READING:
        toolset(members=[name], confirm_reads=[name])
        with pytest.raises(ValueError, match="confirm_reads requires confirm"):
            toolset(members=[name], confirm_reads=[name], confirm=None)
    else:
        with pytest.raises(ValueError, match="confirm_reads must name selected members that read"):
            toolset(members=[name], confirm_reads=[name])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"members": ["fly"]}, "unique fixed member names; 'fly'"),
        ({"members": ["find", "find"]}, "unique fixed member names; 'find'"),
        ({"members": "find"}, "a list or a tuple"),
        ({"members": 5}, "a list or a tuple"),
        ({"members": [1]}, "unique fixed member names; 1"),
        ({"members": [["find"]]}, "unique fixed member names"),
        ({"additional_members": ["fly"]}, "unique fixed member names; 'fly'"),
        ({"members": ["find"], "additional_members": ["click_at"]}, "not both"),
        ({"confirm_reads": ["find", "find"]}, "'find' is none, or stands there twice"),
        ({"confirm_reads": "find"}, "a list or a tuple"),
        ({"members": ["list_tabs"], "confirm_reads": ["find"]}, "selected members that read"),
        ({"confirm": 5}, "confirm must be an asynchronous function, not int"),
        ({"url_policy": 5}, "url_policy must be an asynchronous function, not int"),
    ],
)
def test_what_a_toolset_cannot_be_made_of_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        toolset(**options)


def test_a_member_that_the_driver_lacks_is_refused_where_it_is_asked_for() -> None:
    for option in ("members", "additional_members"):
        with pytest.raises(ValueError, match="not implemented by the driver: Browser has no click_at"):
            toolset(Browser(methods=("find",)), **{option: ["click_at"]})


@pytest.mark.parametrize("driver", [None, object()])
def test_a_driver_says_at_least_which_tabs_there_are(driver: Any) -> None:
    with pytest.raises(ValueError, match="a driver with state"):
        AsyncBrowserToolset(driver)

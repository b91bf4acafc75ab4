"""Each claim of docs/migration.md has a test, which names it in its own words; a paragraph without one is found."""

from __future__ import annotations

import copy
import inspect
import json
import re
import ssl
from array import array
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import httpx
import httpx2
import numpy as np
import pytest

import anyopenai
from anyopenai import (
    DEFAULT_CONNECTION_LIMITS,
    APIConnectionError,
    AsyncOpenAI,
    NotFoundError,
    NotYetSupportedError,
    OpenAI,
    ProxyError,
    RawResponse,
    Stream,
    StreamTruncated,
    Timeout,
)
from anyopenai._codec import UnknownObject, Vector, decoder_for
from anyopenai.testing import Answer, FakeTransport
from anyopenai.types import Model
from anyopenai.types.chat import ChatCompletion, ChatCompletionChunk
from anyopenai.types.responses import Response, ResponseOutputMessage, ResponseReasoningItem
from behaviour.answers import MODEL, PROMPT, delta
from generated.callers import NotingClient

PAGE = Path(__file__).parents[2] / "docs" / "migration.md"

TestT = TypeVar("TestT", bound=Callable[..., Any])

CLAIMS: list[str] = []

# Claims that a test elsewhere is about.
ELSEWHERE = {
    "What they send, save, call and tell, and in which order": "tools.test_runner_recorded:test_a_run_is_as_openai_python_makes_it",
    "are one class, as are `DecisionsToolRunner`": "lib.test_doors:test_names_without_async_are_the_asynchronous_ones",
    "are async, or plain and called in a worker thread": "tools.test_runner:test_a_plain_function_runs_in_a_thread",
    "and the callbacks of decisions are async, or plain": "tools.test_decisions:test_plain_callbacks_run_in_threads",
    "without `execute=` a tool made from a function calls that": "tools.test_registered:test_a_tool_made_from_a_function_calls_it",
    "Cancelling a task or a scope raises what the event loop raises": "tools.test_runner:test_cancelling_passes_and_leaves_the_evidence",
    "`attempted_candidate_ids` and `completed_candidate_ids`) then say": "tools.test_decisions:test_cancelling_passes_and_leaves_the_evidence",
    "where the run's own `cancelled()` says to stop": "tools.test_runner:test_cancelled_is_asked_between_all_parts",
    "A call that was cancelled is told to observers as `cancelled`": "tools.test_runner:test_a_call_that_fails_cancels_those_beside_it",
    "What a callback or the API raised is the `__cause__`": "tools.test_decisions:test_what_the_api_raises_is_the_cause",
    "Dropped before its end, it frees the runner and warns": "tools.test_runner:test_a_run_that_is_dropped_frees_the_runner_and_warns",
    "Independent calls of a turn run at the same time in every mode": "tools.test_runner:test_independent_calls_of_a_turn_run_together",
    "calls of a turn that were not begun are made": "tools.test_ledger:test_calls_that_were_not_begun_are_made",
    "a run that is over gives its response": "tools.test_ledger:test_a_run_that_is_over_gives_its_response_without_a_request",
    "`settled_checkpoint` takes what you found out": "tools.test_ledger:test_a_run_goes_on_after_a_kill_at_any_point",
    "A fixed idempotency key has the number of the request added": "tools.test_runner:test_a_fixed_idempotency_key_is_not_used_twice",
    "also in a process that goes on": "tools.test_ledger:test_a_fixed_idempotency_key_differs_in_the_next_process",
    "takes with it the reasoning that led to nothing else": "tools.test_budget:test_a_thought_goes_with_all_that_it_led_to",
    "the note about it stands where the first call stood": "tools.test_budget:test_the_note_stands_where_the_first_call_stood",
    "a call whose id is empty": "tools.test_runner:test_nothing_of_an_unfit_turn_is_called",
    "an unknown word as `require_approval`": "tools.test_runner:test_params_that_no_run_can_be_made_of",
    "an output that is no valid Unicode": "tools.test_runner:test_text_that_is_no_unicode_is_refused_as_output",
    "input that can be iterated only once": "tools.test_runner:test_what_is_sent",
    "an `approve_mcp` that raises or gives no bool": "tools.test_runner_mcp:test_an_approval_that_raises_ends_the_run",
    "a message without a status": "tools.test_runner:test_a_message_without_a_status_is_whole",
    "Arguments of a streamed answer that do not fit are told": "tools.test_runner_recorded:test_a_run_is_as_openai_python_makes_it",
    "`runs.poll()` and the `..._and_poll` methods of runs wait as openai-python does": "jobs.test_polling:test_the_servers_hint_is_kept_and_the_callers_interval_beats_it",
    "after ten looks a fifth longer each time, up to ten seconds": "jobs.test_polling:test_waits_without_a_hint_grow_after_ten_looks",
    "`deadline=` bounds requests and waits together": "jobs.test_polling:test_the_deadline_bounds_requests_and_waits_together",
    "`extra_body` and an idempotency key go with the first request only": "jobs.test_polling:test_options_go_with_every_look_and_a_body_only_with_the_first",
    "They have no raw view": "jobs.test_polling:test_polls_have_no_raw_view",
    "`AgentSessionStream` and its like without `Async`": "lib.test_doors:test_names_without_async_are_the_asynchronous_ones",
    "`beta.agents` has openai-python's helpers with their names": "lib.test_doors:test_a_module_has_the_names_of_its_twin",
    "A turn whose events end before it is over raises `StreamTruncated`": "agents.test_session_stream:test_a_stream_cut_anywhere_is_whole_or_says_that_it_is_not",
    "a new session's stream that ends before the turn of its input begins": "agents.test_event_stream:test_a_stream_cut_anywhere_is_whole_or_says_that_it_is_not",
    "Misuse raises `OpenAIError`": "agents.test_session_stream:test_a_stream_is_opened_once",
    "A session that is not idle is a `ValueError`": "agents.test_session_stream:test_a_session_that_is_not_idle_is_left_alone",
    "`output_type` takes every kind of type that `text_format` does": "agents.test_result:test_the_last_message_is_read_as_any_kind_of_type",
    "and is asked for in strict mode": "agents.test_event_stream:test_a_type_is_asked_for_and_read",
    "The error for an answer that does not fit says": "agents.test_session_stream:test_an_answer_that_does_not_fit_keeps_its_text",
    "Plain handlers run in a worker thread": "agents.test_dispatch:test_a_plain_handler_runs_in_a_worker_thread_and_an_async_one_here",
    "They may return anything that has a form in JSON": "agents.test_tools:test_what_a_handler_returns_is_sent_as_text_parts_or_json",
    "`anyopenai.function_tool` are handlers as well": "agents.test_dispatch:test_tools_with_types_are_given_their_types",
    "Arguments that a function does not take are left out": "agents.test_tools:test_arguments_that_a_function_does_not_take_are_left_out",
    "described with what their docstrings say of each parameter": "agents.test_tools:test_a_function_is_told_with_its_parameters_and_defaults",
    "A name that the API does not take raises `ValueError`": "agents.test_tools:test_names_that_the_api_does_not_take_are_refused",
    "`prepare` uploads up to eight files at a time": "agents.test_files:test_files_go_up_at_the_same_time_and_come_back_in_order",
    "in which the uploads stand however it ends": "agents.test_files:test_what_succeeded_is_kept_when_it_is_cancelled",
    "`deadline` bounds its requests together": "agents.test_artifacts:test_a_deadline_bounds_both_requests",
    "writes piece by piece and leaves a file that is complete": "agents.test_artifacts:test_a_download_is_complete_or_as_it_was",
    "call the hooks of an `AsyncAssistantEventHandler` in openai-python's order": "streaming.test_assistant_stream:test_hooks_and_results_are_those_of_openai_python",
    "Snapshots are one object that grows, without the `index` of pieces": "streaming.test_assistant_state:test_snapshots_are_one_object_and_leave_events_as_they_were",
    "Pieces of messages and steps that are mixed go where their id says": "streaming.test_assistant_state:test_messages_and_steps_that_are_mixed_stay_apart",
    "and pieces whose beginning was not told have one": "streaming.test_assistant_state:test_pieces_whose_beginning_was_not_told_have_one",
    "`on_tool_call_created` is called once for each call": "streaming.test_assistant_state:test_interleaved_calls_are_told_once_and_whole",
    "of something that goes on all the same come once more when it is whole": "streaming.test_assistant_state:test_what_goes_on_after_its_end_is_told_once_more_when_it_is_whole",
    "`get_final_run_steps()` gives each step as it was at its end": "streaming.test_assistant_stream:test_steps_are_given_as_they_were_at_their_end",
    "A run without messages or steps has empty lists of them": "streaming.test_assistant_stream:test_a_run_without_messages_and_steps_has_none",
    "After a failure the final results raise it again": "streaming.test_assistant_stream:test_a_stream_that_breaks_off_tells_its_hooks_and_raises_with_what_came",
    "and after closing early they raise an error": "streaming.test_assistant_stream:test_leaving_early_hangs_up_and_calls_no_hook",
    "The `partial` of a stream of a run that breaks off is a `RunSoFar(run, messages, steps)`": "streaming.test_assistant_stream:test_a_stream_that_breaks_off_tells_its_hooks_and_raises_with_what_came",
    "A failing stream and a failing hook hang up before `on_exception`": "streaming.test_assistant_stream:test_what_a_hook_raises_ends_the_stream_and_is_raised",
    "A hook that reads its own stream is refused": "streaming.test_assistant_stream:test_a_hook_that_reads_its_own_stream_is_refused",
    "`on_end` has a second for what it awaits": "streaming.test_assistant_stream:test_the_end_has_a_second_when_it_was_cancelled",
    "openai-python has no loop over a program's own functions": "tools.test_migration_from_node:test_a_run_tells_what_openai_nodes_runner_emitted",
    "| openai-node | here |": "tools.test_migration_from_node:test_an_event_of_the_runner_is_an_event_here",
    "Its methods are ours in Python's spelling": "tools.test_migration_from_node:test_its_methods_are_there_under_pythons_names",
    "the run goes on when it is asked for another event": "tools.test_chat_loop:test_what_is_added_between_turns_is_sent",
    "A model that still calls tools then raises `ToolLoopLimitError`": "tools.test_chat_loop:test_too_many_turns_raise_with_everything_that_happened",
    "The calls of one turn run at the same time, where openai-node makes them one after another": "tools.test_chat_loop:test_calls_run_at_the_same_time_within_a_limit",
    "Their outputs are sent in the order of the calls": "tools.test_loop_calls:test_outputs_keep_the_order_of_the_calls",
    "What a tool raises ends the run, as it does there": "tools.test_chat_loop:test_what_a_tool_raises_ends_the_run_and_its_other_tools",
    "An answer cut by its token limit calls no tool": "tools.test_chat_loop:test_an_answer_that_was_cut_calls_no_tool",
    "`totalUsage` counts streams too": "tools.test_chat_loop:test_usage_goes_to_a_ledger",
    "are one class, as are `BrowserToolset` and `AsyncBrowserToolset`": "lib.test_doors:test_names_without_async_are_the_asynchronous_ones",
    "`anyopenai.lib.computer` and `anyopenai.lib.browser`, with the same names": "lib.test_doors:test_a_module_has_the_names_of_its_twin",
    "or from `anyopenai.lib.streaming.chat` and `.responses`": "lib.test_doors:test_every_door_is_compared_with_its_twin",
    "a plain one raises a `TypeError` that names it": "tools.test_browser_call:test_plain_functions_are_refused_in_words",
    "All calls of a response are checked before the first is done": "tools.test_computer_run:test_a_response_that_cannot_be_acted_on_ends_the_run_before_anything_is_done",
    '`"1"` or `True` is no coordinate': "tools.test_computer:test_an_action_with_one_member_of_the_wrong_kind_is_not_well_formed",
    "is told to the observer as `policy_failed`": "tools.test_computer:test_what_a_policy_or_a_driver_raises_passes_through",
    "that cannot be sent as `invalid_output`": "tools.test_browser_call:test_a_result_that_cannot_be_ends_the_call_in_words_for_the_programmer",
    "A driver whose report cannot be sent raises `BrowserReportError`": "tools.test_browser_reports:test_a_state_that_cannot_be_is_refused_with_the_place",
    "has what the driver raised as its cause": "tools.test_browser_call:test_a_state_that_cannot_be_asked_for_ends_the_call",
    "A driver without `state`": "tools.test_browser:test_a_driver_says_at_least_which_tabs_there_are",
    "a policy that is no function are refused when the toolset is made": "tools.test_browser:test_what_a_toolset_cannot_be_made_of_is_refused",
    "wrong arguments are told with what they must fit": "tools.test_browser_call:test_arguments_that_do_not_fit_are_explained_to_the_model",
    "JSON is compact, with characters of other scripts as they are": "tools.test_browser_call:test_text_goes_as_it_is_and_half_a_character_as_an_escape",
    "or not at all where `confirm_reads` names the member": "tools.test_browser_call:test_wrong_arguments_of_a_read_to_confirm_are_explained_without_the_tabs",
    "also from a policy that is asked about a read": "tools.test_browser_call:test_a_read_that_is_not_approved_reads_nothing_not_even_the_tabs",
    "It leaves out members that are null or that no request takes": "tools.test_response_items:test_an_item_is_sent_as_requests_take_it",
    "passes on items of kinds that it does not know": "tools.test_response_items:test_an_item_of_an_unknown_kind_in_an_answer_is_passed_on",
    "goes on over another one from the last event, where openai-python ends the loop": "engine.test_resumable:test_a_stream_cut_at_every_byte_goes_on_and_gives_every_event_once",
    "`resume_streams=False` on the client or the call turns that off": "engine.test_resumable:test_the_clients_option_holds_where_the_call_does_not_say",
    "`get_final_response()` of a response that did not complete raises": "streaming.test_response_stream:test_what_did_not_complete_has_no_final_response",
    "Events in an order that openai-python refuses are given": "streaming.test_response_stream:test_odd_events_are_given_and_change_nothing",
    "an output that is left out at the end is what was streamed": "streaming.test_response_stream:test_an_output_that_is_left_out_at_the_end_is_what_was_streamed",
    "`chat.completions.stream()` and `responses.stream()` give openai-python's events": "streaming.test_chat_state:test_events_and_result_are_those_of_openai_python",
    "The snapshot of a chunk's event is one object for the whole stream": "streaming.test_chat_state:test_the_snapshot_is_one_object_that_grows",
    "plain dicts and lists that grow as well, strings before their end among them": "streaming.test_chat_state:test_the_partial_value_grows_with_the_stream",
    "has one `tool_calls.function.arguments.done`, with its whole arguments": "streaming.test_chat_calls:test_any_interleaving_of_the_pieces_gives_the_same_calls",
    "Calls come out apart where a server gives all of them the index 0": "streaming.test_chat_calls:test_two_calls_come_out_apart",
    "Calls in snapshots and results have no `index`": "streaming.test_chat_calls:test_a_call_has_no_index_of_its_own",
    "What a spoken answer has not told yet is empty": "streaming.test_chat_state:test_spoken_audio_is_empty_where_the_server_has_told_nothing_yet",
    "usage once told is kept": "streaming.test_chat_state:test_usage_of_any_chunk_is_kept",
    "Numbers in members that no type knows are replaced": "streaming.test_growth:test_pieces_of_unknown_members_become_one",
    "A stream that breaks off raises `StreamTruncated`": "streaming.test_chat_stream:test_a_stream_cut_anywhere_is_whole_or_raises_with_what_came",
    "`get_final_completion()` of a stream that was closed": "streaming.test_chat_stream:test_a_closed_stream_has_no_final_completion_unless_it_was_whole",
    "Structs, dataclasses, TypedDicts, attrs classes and plain JSON schemas as well": "behaviour.test_parsing:test_a_type_is_sent_as_a_strict_schema_and_comes_back",
    "Content or arguments that do not fit the type raise `APIResponseValidationError`": "behaviour.test_parsing:test_content_that_does_not_fit_raises_and_says_where",
    "A response that its token limit or the content filter cut raises": "behaviour.test_parsing:test_a_response_that_was_cut_says_so",
    "raises `UnsupportedSchemaError` (a `TypeError`) before anything is sent": "structured.test_output:test_a_mapping_is_refused_and_goes_without_strict_mode",
    "Defaults, lengths of strings and uniqueness are not sent": "structured.test_output:test_constraints_that_were_not_sent_hold_when_the_answer_is_read",
    "a tagged union is sent as `anyOf`": "structured.test_output:test_a_struct_with_everything_in_it",
    "stand in `to_dict()` and `repr`, and are not sent back": "behaviour.test_parsing:test_what_was_parsed_is_shown_and_not_sent_back",
    "Calls of custom tools may come; they are left as they are": "behaviour.test_parsing:test_calls_of_custom_tools_stay_as_they_are",
    "`responses.parse` has no `stream=`": "behaviour.test_parsing:test_views_of_a_parsed_response",
    "`socks5://` resolves names on this side": "transport.test_dialing:test_a_socks5_proxy_is_given_an_address_and_socks5h_the_name",
    "A refused certificate is not tried again": "client.test_transport_options:test_a_refused_certificate_is_not_tried_again",
    "its headers and `auth=` go only with requests that carry a credential": "transport.adapters.test_httpx:test_a_clients_own_headers_and_auth_go_with_credentials_only",
    "Redirects, cookies, query parameters and the base URL of an HTTP client are not used": "transport.adapters.test_httpx:test_cookies_query_and_base_url_of_a_client_are_not_used",
    "A number bounds an attempt with a JSON answer as a whole": "behaviour.test_time_limits:test_a_json_answer_is_bounded_to_its_last_byte",
    "Streams, downloads and uploads of files are still bounded silence by silence": "behaviour.test_time_limits:test_a_download_is_bounded_silence_by_silence",
    "seconds that bound a call as a whole, with its waiting, its attempts and its stream": "behaviour.test_time_limits:test_a_deadline_bounds_attempts_and_waits_together",
    "Each leaves a file that is complete, or as it was before": "engine.test_download:test_a_download_that_breaks_off_leaves_the_old_file",
}


def claims(*words: str) -> Callable[[TestT], TestT]:
    """Say which words of the page a test is about."""
    CLAIMS.extend(words)
    return lambda test: test


def _flat(text: str) -> str:
    return " ".join(text.split())


def _paragraphs() -> list[str]:
    text = re.sub(r"^```.*?^```$", "", PAGE.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    blocks = [_flat(block) for block in text.split("\n\n")]
    # The first says what the page compares.
    return [block for block in blocks if block and not block.startswith("#")][1:]


def _client(*answers: Answer, **options: Any) -> OpenAI:
    return OpenAI(api_key="k", transport=FakeTransport(*answers), max_retries=0, **options)


def _decoded(kind: Any, members: dict[str, Any], **options: bool) -> Any:
    return decoder_for(kind, **options).decode(json.dumps(members).encode())


COMPLETION: dict[str, Any] = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "logprobs": None,
            "message": {"role": "assistant", "content": "Hi.", "refusal": None},
        }
    ],
}
MESSAGE: dict[str, Any] = {
    "type": "message",
    "id": "msg",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Hi.", "annotations": [], "logprobs": []}],
}
RESPONSE: dict[str, Any] = {
    "id": "resp",
    "object": "response",
    "created_at": 1,
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": None,
    "model": "m",
    "output": [{"type": "reasoning", "id": "rs", "summary": []}, MESSAGE],
    "parallel_tool_calls": True,
    "temperature": None,
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
}
EMBEDDINGS: dict[str, Any] = {
    "object": "list",
    "model": "m",
    "data": [{"object": "embedding", "index": 0, "embedding": "AACAPwAAAEA="}],
    "usage": {"prompt_tokens": 1, "total_tokens": 1},
}


def test_every_paragraph_has_a_test_and_every_claim_is_made() -> None:
    page = _flat(PAGE.read_text("utf-8"))
    said = [*CLAIMS, *ELSEWHERE]
    assert [words for words in said if words not in page] == []
    assert [block for block in _paragraphs() if not any(words in block for words in said)] == []


@pytest.mark.parametrize("words", ELSEWHERE)
def test_a_claim_tested_elsewhere_has_its_test_there(words: str) -> None:
    module, _, name = ELSEWHERE[words].partition(":")
    assert callable(getattr(import_module(module), name))


@claims("Methods, parameters, types and exceptions keep their names", "`anyopenai.types` mirrors `openai.types`")
def test_names_are_kept() -> None:
    """The tables of names are compared in tests/generated and tests/client; this is the page's own sentence."""
    assert list(inspect.signature(OpenAI(api_key="k").embeddings.create).parameters)[:2] == ["input", "model"]
    assert anyopenai.types.chat.ChatCompletion is ChatCompletion
    assert issubclass(anyopenai.RateLimitError, anyopenai.APIStatusError)


@claims(
    "`with_raw_response`, `with_streaming_response`, `with_options`",
    "`_request_id`, `status_code`, `body` and `code`",
)
async def test_views_options_and_what_answers_and_errors_say_are_there() -> None:
    error = {"error": {"message": "no", "code": "model_not_found"}}
    model = Answer(json=MODEL, headers={"x-request-id": "req_1"})
    async with _client(model, model, model, Answer(404, json=error)) as client:
        options: dict[str, Any] = {"extra_headers": {"x-a": "b"}, "extra_query": {"q": "1"}, "timeout": 3}
        found = await client.with_options(max_retries=0).models.retrieve("m", **options)
        assert found._request_id == "req_1"
        assert isinstance(await client.models.with_raw_response.retrieve("m"), RawResponse)
        async with client.models.with_streaming_response.retrieve("m") as response:
            assert isinstance(await response.parse(), Model)
        with pytest.raises(NotFoundError) as caught:
            await client.models.retrieve("m", extra_body={"x": 1})
        assert (caught.value.status_code, caught.value.code) == (404, "model_not_found")
        assert caught.value.body == error["error"]


@claims("awaited for its first page or iterated with `async for`", "`create(stream=True)` gives an open stream")
async def test_lists_and_streams_are_used_as_before() -> None:
    page = Answer(json={"object": "list", "data": [MODEL]})
    async with _client(page, page, Answer(events=[delta("a", "stop"), "[DONE]"])) as client:
        assert [model.id for model in (await client.models.list()).data] == [MODEL["id"]]
        assert [model.id async for model in client.models.list()] == [MODEL["id"]]
        stream = await client.chat.completions.create(**PROMPT, stream=True)
        assert isinstance(stream, Stream)
        assert [chunk.choices[0].delta.content async for chunk in stream] == ["a"]


@claims("Unknown values of an enumeration, unknown members and unknown variants of a union never raise")
def test_unknown_things_do_not_raise() -> None:
    response = _decoded(Response, {**RESPONSE, "status": "dreaming", "mood": 1, "output": [{"type": "song"}]})
    assert response.status == "dreaming"
    assert response.output[0].type == "song"


@claims("`OpenAI` and `AsyncOpenAI` are one class, and it is asynchronous")
def test_there_is_one_class() -> None:
    assert AsyncOpenAI is OpenAI
    assert inspect.iscoroutinefunction(OpenAI(api_key="k").models.retrieve)


@claims(
    "`with OpenAI()` raises a `TypeError` that says to write `async with`",
    "There is no client at module level",
)
def test_blocking_ways_are_refused() -> None:
    with pytest.raises(TypeError, match="async with"), OpenAI(api_key="k"):
        pass
    assert not hasattr(anyopenai, "api_key")
    assert not hasattr(anyopenai, "chat")


@claims(
    "`model_dump()`, `model_dump_json()`, `to_dict()`, `to_json()`, `model_validate()`",
    "there is no `model_fields`",
    "`dict(answer)` and iteration do not work, and nothing is validated",
)
def test_answers_are_structs_with_the_methods_people_type() -> None:
    answer = _decoded(ChatCompletion, COMPLETION)
    assert json.loads(answer.to_json())["id"] == json.loads(answer.model_dump_json())["id"] == "c"
    assert ChatCompletion.model_validate(COMPLETION) == ChatCompletion.model_validate_json(json.dumps(COMPLETION))
    assert answer.model_copy(update={"id": "d"}).id == "d"
    assert answer.model_extra == {}
    for name in ("model_fields", "model_fields_set", "model_json_schema", "model_construct"):
        assert not hasattr(ChatCompletion, name)
        assert not hasattr(answer, name)
    with pytest.raises(TypeError):
        dict(answer)
    answer.created = "late"
    assert ChatCompletion.model_validate({**COMPLETION, "created": "late"}).created == answer.created
    assert not hasattr(ChatCompletion, "__get_pydantic_core_schema__")


@claims("`choices` that a server sends as null are an empty list")
async def test_null_choices_are_none_at_all() -> None:
    members = {"id": "c", "created": 1, "model": "m", "choices": None}
    answers = Answer(json=members | {"object": "chat.completion"}), Answer(json=members | {"object": "text_completion"})
    chunk = members | {"object": "chat.completion.chunk"}
    async with _client(*answers, Answer(events=[chunk, delta("x", finish="stop"), "[DONE]"])) as client:
        assert (await client.chat.completions.create(**PROMPT)).choices == []
        assert (await client.completions.create(model="m", prompt="p")).choices == []
        chunks = [chunk async for chunk in await client.chat.completions.create(**PROMPT, stream=True)]
        assert [len(chunk.choices) for chunk in chunks] == [0, 1]


@claims("An explicit null equals an absent member", "`model_dump()` shows both as None")
def test_null_and_absent_are_one() -> None:
    null, absent = (
        _decoded(ChatCompletion, {**COMPLETION, **more}) for more in ({"usage": None, "service_tier": None}, {})
    )
    assert null == absent
    assert null.usage is absent.usage is None
    assert null.to_dict() == absent.to_dict() == COMPLETION
    assert null.model_dump() == absent.model_dump()
    assert null.model_dump()["usage"] is None


@claims("Two answers are equal when they are of one class and their members are equal")
async def test_equality_is_that_of_members() -> None:
    async with _client(Answer(json=MODEL), Answer(json=MODEL, headers={"x-request-id": "req_2"})) as client:
        assert await client.models.retrieve("m") == await client.models.retrieve("m")
    assert _decoded(Model, MODEL) != MODEL


@claims(
    "Members that this version does not know are dropped, unless the client is made with `keep_unknown_fields=True`"
)
async def test_unknown_members_are_kept_where_asked_for() -> None:
    sent = {**MODEL, "mood": {"good": True}}
    async with _client(Answer(json=sent)) as client:
        plain: Any = await client.models.retrieve("m")
    assert not hasattr(plain, "mood")
    assert "mood" not in plain.to_dict()
    async with _client(Answer(json=sent), keep_unknown_fields=True) as client:
        kept: Any = await client.models.retrieve("m")
    assert kept.mood == kept.model_extra["mood"] == kept.to_dict()["mood"] == {"good": True}
    assert "mood=" in repr(kept)
    assert json.loads(anyopenai._codec.encode([kept])) == [sent]


@claims("An object of an unknown kind, such as a new type of event, keeps all its members either way")
def test_an_unknown_kind_keeps_its_members() -> None:
    item = _decoded(Response, {**RESPONSE, "output": [{"type": "song", "notes": ["a"]}]}).output[0]
    assert isinstance(item, UnknownObject)
    assert isinstance(item, dict)
    assert item.notes == item["notes"] == ["a"]


@claims("`isinstance` tells the variants of a union apart, `match` works")
def test_variants_are_classes() -> None:
    """That checkers narrow is in tests/typing/namespaces.py."""
    found = []
    for item in _decoded(Response, RESPONSE).output:
        match item:
            case ResponseOutputMessage(content=[part]):
                found.append(part.text)
            case ResponseReasoningItem():
                found.append(item.type)
    assert found == ["reasoning", "Hi."]


@claims("Answers go back in as they are")
async def test_answers_go_back_in() -> None:
    transport = FakeTransport(Answer(json=RESPONSE))
    async with OpenAI(api_key="k", transport=transport) as client:
        output = _decoded(Response, RESPONSE).output
        await client.responses.create(model="m", input=[*output, {"role": "user", "content": "And then?"}])
    sent = json.loads(transport.requests[0].body)["input"]
    assert sent == [*RESPONSE["output"], {"role": "user", "content": "And then?"}]


@claims("raises `StreamTruncated` with what had arrived (`error.partial`)", '`truncated_streams="ignore"`')
async def test_a_cut_stream_raises() -> None:
    cut = Answer(events=[delta("Hel"), delta("lo")])
    async with _client(cut, cut) as client:
        stream = await client.chat.completions.create(**PROMPT, stream=True)
        with pytest.raises(StreamTruncated) as caught:
            [chunk async for chunk in stream]
        assert caught.value.partial is not None
        quiet = client.with_options(truncated_streams="ignore")
        stream = await quiet.chat.completions.create(**PROMPT, stream=True)
        assert all([isinstance(chunk, ChatCompletionChunk) async for chunk in stream])


@claims("An error that the server sends in a stream raises the class of its code")
async def test_an_error_in_a_stream_has_its_class() -> None:
    async with _client(Answer(events=[delta("Hel"), {"object": "error", "message": "slow", "code": 429}])) as client:
        stream = await client.chat.completions.create(**PROMPT, stream=True)
        await anext(stream)
        with pytest.raises(anyopenai.RateLimitError, match="slow"):
            await anext(stream)


@claims(
    "`embedding` is a sequence of C numbers (an `array.array`)", "which `json.dumps` and `isinstance(..., list)` need"
)
async def test_vectors_are_arrays() -> None:
    async with _client(Answer(json=EMBEDDINGS)) as client:
        vector = (await client.embeddings.create(model="m", input="x")).data[0].embedding
    assert isinstance(vector, Vector)
    assert isinstance(vector, array)
    assert not isinstance(vector, list)
    assert vector.itemsize == 4
    assert (vector[0], list(vector), len(vector), vector == [1.0, 2.0]) == (1.0, [1.0, 2.0], 2, True)
    assert np.shares_memory(np.asarray(vector), np.frombuffer(vector, np.float32))
    with pytest.raises(TypeError):
        json.dumps(vector)
    assert json.dumps(vector.tolist()) == "[1.0, 2.0]"


@claims("`answer.write_to_file(path)` works with and without `await`")
async def test_binary_answers_are_written_either_way(tmp_path: Path) -> None:
    body = Answer(content=b"content")
    async with _client(body, body) as client:
        answer = await client.files.content("f")
        answer.write_to_file(tmp_path / "a")
        await answer.write_to_file(tmp_path / "b")
        await answer.astream_to_file(tmp_path / "c")
        async with client.files.with_streaming_response.content("f") as response:
            await response.stream_to_file(tmp_path / "d")
    assert {(tmp_path / name).read_bytes() for name in "abcd"} == {b"content"}


@claims("an `httpx.Timeout` is accepted")
def test_timeouts_of_httpx_are_accepted() -> None:
    class Likewise:
        """As httpx's has them."""

        connect, read, write, pool = 1.0, 2.0, 3.0, 4.0

    client: Any = OpenAI(api_key="k", timeout=Likewise())  # type: ignore[arg-type]  # a look-alike
    assert (client.timeout.connect, client.timeout.read, client.timeout.write, client.timeout.pool) == (1, 2, 3, 4)
    assert OpenAI(api_key="k", timeout=Timeout(5)).timeout == Timeout(5)


@claims(
    "`proxy=`, `ssl_context=`, `http2=` and `limits=` are options of the client",
    "always reached directly",
    "may have networks",
)
def test_proxies_come_from_options_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "10.0.0.0/8")

    def way(client: OpenAI, host: str) -> object:
        return client._transport_options.proxies.proxy_for("https", host, 443)

    client = OpenAI(api_key="k", limits=DEFAULT_CONNECTION_LIMITS, ssl_context=ssl.create_default_context())
    assert str(way(client, "api.example")) == "<Proxy http://proxy.example:3128>"
    assert way(client, "10.1.1.1") is None
    assert way(client, "localhost") is None
    assert way(OpenAI(api_key="k", proxy=None), "api.example") is None


@claims("raises `ProxyError`, a kind of `APIConnectionError`")
async def test_a_proxy_that_cannot_be_reached_is_a_proxy_error() -> None:
    async with OpenAI(api_key="k", base_url="http://api.example", proxy="http://127.0.0.1:9", max_retries=0) as client:
        with pytest.raises(ProxyError) as caught:
            await client.models.list()
        assert isinstance(caught.value, APIConnectionError)


@claims(
    "`http_client=` takes an `httpx.AsyncClient`, an `httpx2.AsyncClient` or, on asyncio", "closes it with the client"
)
async def test_http_clients_are_taken_and_closed() -> None:
    for library in (httpx, httpx2):
        theirs = library.AsyncClient()
        async with OpenAI(api_key="k", http_client=theirs):
            assert not theirs.is_closed
        assert theirs.is_closed


@claims("makes a client of httpx", "takes the options of `aiohttp.ClientSession`", "a synchronous client included")
async def test_default_clients_are_those_of_their_libraries() -> None:
    assert isinstance(anyopenai.DefaultAsyncHttpxClient(), httpx.AsyncClient)
    assert isinstance(anyopenai.DefaultAsyncHttpx2Client(), httpx2.AsyncClient)
    async with OpenAI(api_key="k", http_client=anyopenai.DefaultAioHttpClient(trust_env=False)):
        pass
    with pytest.raises(NotYetSupportedError, match="DefaultAsyncHttpxClient"):
        anyopenai.DefaultHttpxClient()
    with pytest.raises(TypeError, match="AsyncClient"):
        OpenAI(api_key="k", http_client=httpx.Client())


@claims("`error.response` and `error.request` are plain data")
async def test_the_response_of_an_error_is_plain_data() -> None:
    async with _client(Answer(404, json={"error": {"message": "no"}})) as client:
        with pytest.raises(NotFoundError) as caught:
            await client.models.retrieve("m")
    response = caught.value.response
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/json"
    assert response.json() == json.loads(response.content) == json.loads(response.text)
    assert caught.value.request.method == "GET"
    assert copy.copy(caught.value.request).url == caught.value.request.url


@claims("another name raises `AttributeError`", "these will come: the polls of files, vector stores and videos")
def test_helpers_are_not_there_yet() -> None:
    client = NotingClient()
    for holder, name in (
        (client.vector_stores.files, "poll"),
        (client.responses, "connect"),
    ):
        with pytest.raises(AttributeError):
            getattr(holder, name)


@claims(
    "raise `NotYetSupportedError` with what to do instead: `AsyncAzureOpenAI` and `AsyncBedrockOpenAI`",
    "`workload_identity`, `data_residency` and `websocket_base_url`",
)
def test_what_exists_and_is_not_there_yet_says_so() -> None:
    for name in ("AsyncAzureOpenAI", "AsyncBedrockOpenAI"):
        with pytest.raises(NotYetSupportedError, match="not there yet; use"):
            getattr(anyopenai, name)(api_key="k")
    with pytest.raises(NotYetSupportedError, match="subclass AsyncAssistantEventHandler"):
        anyopenai.AssistantEventHandler()  # type: ignore[attr-defined]  # what openai-python's users may write
    for option in ("workload_identity", "data_residency", "websocket_base_url"):
        with pytest.raises(NotYetSupportedError, match=f"{option}=: .* not there yet; "):
            OpenAI(api_key="k", **{option: "x"})

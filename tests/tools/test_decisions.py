"""The decisions runner: what each step asks and does, how it ends, what its errors and the runner say of what was done."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from anyopenai import InternalServerError, OpenAI, OpenAIError
from anyopenai.testing import Answer, FakeTransport
from anyopenai.tools.decisions import AsyncDecisionsToolRunner
from anyopenai.tools.decisions_errors import DecisionsToolRunnerCancelledError, DecisionsToolRunnerError
from anyopenai.tools.diagnostics import ToolDiagnostic
from anyopenai.tools.lifecycle import ToolsetBusyError, ToolsetClosedError

USAGE = {
    "input_tokens": 3,
    "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
    "output_tokens": 1,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 4,
}
TASK: Any = {"model": "m", "input": "Empty the cart."}


def chose(value: object, **more: Any) -> Answer:
    answer = {"type": "choice", "name": "next_action", "choice": value, "confidence": 0.9, "probabilities": [], **more}
    return Answer(json={"answers": [answer], "model": "m", "usage": USAGE})


REFUSED = {"answers": [{"type": "refusal", "name": "next_action"}], "model": "m", "usage": USAGE}


class Shop:
    """What a run works on: it writes down what was asked of it."""

    def __init__(self, *answers: Any, verdicts: list[object] | None = None, **client: Any) -> None:
        self.log: list[str] = []
        self.told: list[ToolDiagnostic] = []
        self.seen: Any = "a page"
        self.verdicts = verdicts
        self.candidates: Any = [
            {"id": "a", "description": "Remove an item.", "execute": self.act},
            {"id": "b", "description": "Go back.", "execute": self.act, "done": False},
            {"id": "done", "description": "The cart is empty.", "done": True},
        ]
        self.transport = FakeTransport(*answers)
        self.client = OpenAI(**{"api_key": "k", "transport": self.transport, "max_retries": 0, **client})
        self.runner = AsyncDecisionsToolRunner(
            observe=self.observe, candidates=self.choices, verify=self.verify if verdicts is not None else None
        )

    async def observe(self) -> Any:
        self.log.append("observe")
        return self.seen

    async def choices(self, seen: Any) -> Any:
        self.log.append("candidates")
        return self.candidates

    async def act(self) -> object:
        self.log.append("act")
        return "ignored"

    async def verify(self, seen: Any) -> Any:
        self.log.append("verify")
        assert self.verdicts is not None
        return self.verdicts.pop(0)

    async def run(self, params: Any = TASK, **options: Any) -> Any:
        return await self.runner.run(self.client, params, on_diagnostic=self.told.append, **options)

    @property
    def sent(self) -> list[Any]:
        return [request.json() for request in self.transport.requests]

    @property
    def stages(self) -> list[tuple[str, str, str | None]]:
        return [(one["stage"], one["reason"], one["call_id"]) for one in self.told]


async def test_each_step_observes_chooses_and_acts() -> None:
    shop = Shop(chose("a"), chose("done"))
    result = await shop.run()
    assert result["status"] == "unverified"
    assert [decision.answers[0].choice for decision in result["decisions"]] == ["a", "done"]
    assert (result["attempted_candidate_ids"], result["completed_candidate_ids"]) == (["a"], ["a"])
    assert shop.log == ["observe", "candidates", "act", "observe", "candidates"]
    assert shop.stages == [
        ("request", "completed", None),
        ("selection", "completed", "a"),
        ("action", "completed", "a"),
        ("request", "completed", None),
        ("selection", "completed", "done"),
    ]
    assert shop.told[0]["usage"] == {"input_tokens": 3, "output_tokens": 1, "total_tokens": 4}


async def test_what_is_asked() -> None:
    shop = Shop(chose("done"))
    await shop.run({**TASK, "safety_identifier": "u"})
    (sent,) = shop.sent
    (question,) = sent.pop("questions")
    assert sent == {
        "model": "m",
        "input": [{"role": "user", "content": "Empty the cart."}, {"role": "user", "content": "a page"}],
        "safety_identifier": "u",
    }
    assert question.pop("instructions")
    assert question == {
        "type": "choice",
        "name": "next_action",
        "choices": [
            {"value": "a", "description": "Remove an item."},
            {"value": "b", "description": "Go back."},
            {"value": "done", "description": "The cart is empty."},
        ],
    }


async def test_a_denied_end_goes_on_with_a_new_observation() -> None:
    shop = Shop(chose("done"), chose("a"), chose("done"), verdicts=[False, True])
    assert (await shop.run())["status"] == "verified"
    assert shop.log == [
        *("observe", "candidates", "observe", "verify"),
        *("observe", "candidates", "act"),
        *("observe", "candidates", "observe", "verify"),
    ]
    assert ("verification", "refused", "done") in shop.stages
    assert shop.stages[-1] == ("verification", "completed", "done")


async def test_a_refusal_ends_the_run() -> None:
    shop = Shop(chose("a"), Answer(json=REFUSED))
    result = await shop.run()
    assert (result["status"], result["attempted_candidate_ids"]) == ("refused", ["a"])
    assert shop.stages[-1] == ("selection", "refused", None)


async def test_where_there_is_only_the_end_nothing_is_asked() -> None:
    shop = Shop()
    shop.candidates = shop.candidates[2:]
    assert (await shop.run())["decisions"] == []
    assert shop.sent == []


async def test_plain_callbacks_run_in_threads() -> None:
    def act() -> None:
        anyio.from_thread.check_cancelled()

    candidates: Any = [{"id": "a", "description": "d", "execute": act}, {"id": "z", "description": "d", "done": True}]
    transport = FakeTransport(chose("a"), chose("z"))
    runner = AsyncDecisionsToolRunner(
        observe=lambda: "page", candidates=lambda _: candidates, verify=lambda seen: seen == "page"
    )
    result = await runner.run(OpenAI(api_key="k", transport=transport), TASK)
    assert (result["status"], result["completed_candidate_ids"]) == ("verified", ["a"])


async def test_a_lambda_around_an_async_function_is_awaited() -> None:
    shop = Shop(chose("a"), chose("done"))
    shop.candidates[0]["execute"] = lambda: shop.act()
    await shop.run()
    assert "act" in shop.log


async def stopped(shop: Shop, **options: Any) -> DecisionsToolRunnerError:
    with pytest.raises(DecisionsToolRunnerError) as caught:
        await shop.run(**options)
    assert (caught.value.attempted_candidate_ids, caught.value.completed_candidate_ids) == (
        shop.runner.attempted_candidate_ids,
        shop.runner.completed_candidate_ids,
    )
    return caught.value


async def test_what_is_chosen_in_the_last_step_is_not_executed() -> None:
    """Nothing would look at its effect."""
    shop = Shop(chose("a"), chose("b"))
    error = await stopped(shop, max_steps=2)
    assert (error.reason, error.attempted_candidate_ids) == ("step_limit", ("a",))
    assert shop.stages[-1] == ("run", "step_limit", None)


async def test_a_denied_end_in_the_last_step_is_the_limit() -> None:
    assert (await stopped(Shop(chose("done"), verdicts=[False]), max_steps=1)).reason == "step_limit"


@pytest.mark.parametrize(
    "params",
    [
        {"model": "m"},
        {"model": "m", "input": []},
        {"model": "m", "input": "x", "questions": []},
        {"model": "m", "input": "x", "safety_identifier": 3},
        None,
    ],
)
async def test_params_are_checked_before_anything_is_called(params: Any) -> None:
    shop = Shop()
    assert (await stopped(shop, params=params)).reason == "invalid_params"
    assert shop.log == []


@pytest.mark.parametrize("steps", [0, True, 1.0])
async def test_a_limit_is_a_whole_number_from_one_up(steps: Any) -> None:
    assert (await stopped(Shop(), max_steps=steps)).reason == "invalid_params"


def changed(number: int, **members: Any) -> Callable[[list[Any]], list[Any]]:
    return lambda known: [{**one, **members} if place == number else one for place, one in enumerate(known)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda known: tuple(known), "give a list"),
        (lambda known: known[:2], "0 candidates with done=True"),
        (lambda known: [*known, {**known[2], "id": "d"}], "2 candidates with done=True"),
        (lambda known: [known[0], *known], "unique"),
        (lambda known: [*[{**known[0], "id": f"{n}"} for n in range(255)], known[2]], "at most 255"),
        (lambda known: ["a", *known], "not a dict"),
        (changed(0, id=" "), "has no id"),
        (changed(0, id=1), "has no id"),
        (changed(0, description=""), "has no description"),
        (changed(0, execute=None), "nothing to execute"),
        (changed(0, done=1), "done=1"),
        (changed(2, execute=print), "something to execute"),
        (changed(0, more=1), "unknown members: more"),
    ],
)
async def test_candidates_that_cannot_be_chosen_from(change: Any, said: str) -> None:
    shop = Shop()
    shop.candidates = change(shop.candidates)
    error = await stopped(shop)
    assert error.reason == "invalid_candidates"
    assert said in str(error.__cause__)
    assert shop.sent == []


@pytest.mark.parametrize(
    "answer",
    [
        chose("other"),
        chose(True),
        chose("a", name="other"),
        chose("a", type="score"),
        Answer(json={**REFUSED, "answers": []}),
        Answer(json={**REFUSED, "answers": REFUSED["answers"] * 2}),  # type: ignore[operator]  # it is a list
        Answer(json={**REFUSED, "answers": [{"type": "refusal"}]}),
        Answer(json={**REFUSED, "usage": None}),
        Answer(json={**REFUSED, "model": None}),
        Answer(json={}),
    ],
)
async def test_an_answer_that_selects_nothing(answer: Answer) -> None:
    shop = Shop(answer)
    assert (await stopped(shop)).reason == "invalid_answer"
    assert shop.log == ["observe", "candidates"]


@pytest.mark.parametrize(
    "seen", [b"x", None, 3, {"type": "input_text"}, [{"type": "input_file", "file_id": "f"}], [{}]]
)
async def test_an_observation_is_a_text_or_texts_and_images(seen: Any) -> None:
    shop = Shop()
    shop.seen = seen
    error = await stopped(shop)
    assert (error.reason, type(error.__cause__)) == ("failed", ValueError)


async def test_an_observation_is_sent_as_it_was() -> None:
    """A callback that changes what it is given changes neither what is sent nor what it came from."""
    shop = Shop(chose("done"))
    image = {"type": "input_image", "image_url": "data:image/png;base64,AA=="}
    shop.seen = (part for part in [{"type": "input_text", "text": "x"}, image])

    async def meddle(seen: Any) -> Any:
        seen.clear()
        return shop.candidates

    shop.runner = AsyncDecisionsToolRunner(observe=shop.observe, candidates=meddle)
    await shop.run()
    assert shop.sent[0]["input"][1]["content"] == [{"type": "input_text", "text": "x"}, image]


async def test_what_an_executor_raises_is_the_cause() -> None:
    shop = Shop(chose("a"))

    async def fail() -> None:
        raise LookupError("secret")

    shop.candidates[0]["execute"] = fail
    error = await stopped(shop)
    assert (error.reason, error.attempted_candidate_ids, error.completed_candidate_ids) == ("failed", ("a",), ())
    assert isinstance(error.__cause__, LookupError)
    assert "secret" not in str(error)
    assert shop.stages[-1] == ("action", "driver_failed", "a")


async def test_what_the_api_raises_is_the_cause() -> None:
    shop = Shop(Answer.error(500))
    error = await stopped(shop)
    assert isinstance(error.__cause__, InternalServerError)
    assert shop.stages == [("request", "api_failed", None)]


@pytest.mark.parametrize("verdict", [1, None, "yes"])
async def test_a_verdict_is_true_or_false(verdict: object) -> None:
    assert (await stopped(Shop(chose("done"), verdicts=[verdict]))).reason == "invalid_verification"


async def test_cancelled_is_asked_between_all_parts() -> None:
    """Wherever it says to stop, the error says what was done, and nothing more is done."""
    outcomes = []
    for number in range(1, 100):
        shop = Shop(chose("a"), chose("done"), verdicts=[True])
        asked = iter(range(1, 100))
        try:
            await shop.run(cancelled=lambda asked=asked, number=number: next(asked) == number)
        except DecisionsToolRunnerCancelledError as error:
            outcomes.append((tuple(shop.log), error.attempted_candidate_ids, error.completed_candidate_ids))
        else:
            break
    assert number > 10
    assert [outcome[0] for outcome in outcomes] == sorted((outcome[0] for outcome in outcomes), key=len)
    assert all((attempted == ("a",)) == ("act" in log) == (ended == ("a",)) for log, attempted, ended in outcomes)
    # Before and after each callback and request.
    assert len({outcome[0] for outcome in outcomes}) == 8


@pytest.mark.parametrize("place", ["observe", "choices", "act", "verify", "request"])
async def test_cancelling_passes_and_leaves_the_evidence(place: str) -> None:
    reached = anyio.Event()

    async def hang(*_: object) -> Any:
        reached.set()
        await anyio.sleep_forever()

    shop = Shop(hang if place == "request" else chose("a"), chose("done"), verdicts=[True])
    if place == "act":
        shop.candidates[0]["execute"] = hang
    elif place != "request":
        setattr(shop, place, hang)
        shop.runner = AsyncDecisionsToolRunner(observe=shop.observe, candidates=shop.choices, verify=shop.verify)
    errors: list[BaseException] = []

    async def run() -> None:
        try:
            await shop.run()
        except BaseException as error:
            errors.append(error)
            raise

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await reached.wait()
        with pytest.raises(ToolsetBusyError):
            await shop.run()
        group.cancel_scope.cancel()
    assert isinstance(errors[0], anyio.get_cancelled_exc_class())
    attempted = {"act": (("a",), ()), "verify": (("a",), ("a",))}.get(place, ((), ()))
    assert (shop.runner.attempted_candidate_ids, shop.runner.completed_candidate_ids) == attempted
    assert shop.runner.close() == {"status": "closed"}


async def test_closing_lets_a_run_end_and_refuses_others() -> None:
    shop = Shop(chose("a"), chose("done"))
    status = []

    async def close() -> None:
        status.append(shop.runner.close())

    shop.candidates[0]["execute"] = close
    assert (await shop.run())["status"] == "unverified"
    assert [*status, shop.runner.close()] == [{"status": "draining"}, {"status": "closed"}]
    with pytest.raises(ToolsetClosedError):
        await shop.run()


@pytest.mark.parametrize(
    "fixed", [{"default_headers": {"Idempotency-Key": "k"}}, {"default_headers": {"idempotency-key": "k"}}]
)
async def test_a_fixed_idempotency_key_is_not_used_twice(fixed: Any) -> None:
    """A server that keeps to the key would answer every step with the first step's answer."""
    shop = Shop(chose("a"), chose("a"), chose("done"), **fixed)
    await shop.run()
    assert [request.headers["idempotency-key"] for request in shop.transport.requests] == ["k", "k-2", "k-3"]


async def test_each_request_makes_a_key_of_its_own() -> None:
    shop = Shop(chose("a"), chose("done"))
    await shop.run()
    first, second = (request.headers["idempotency-key"] for request in shop.transport.requests)
    assert first != second


def test_errors_travel_and_say_what_was_done() -> None:
    error = DecisionsToolRunnerError("failed", ["a", "b"], ["a"])
    cancelled = DecisionsToolRunnerCancelledError(["a"], [])
    for one in (error, cancelled):
        for again in (pickle.loads(pickle.dumps(one)), copy.copy(one)):
            assert type(again) is type(one)
            assert (again.reason, again.attempted_candidate_ids) == (one.reason, one.attempted_candidate_ids)
            assert str(again) == str(one)
    assert "attempted: a, b; completed: a" in str(error)
    assert isinstance(error, OpenAIError)
    assert isinstance(error, RuntimeError)
    assert isinstance(cancelled, DecisionsToolRunnerError)

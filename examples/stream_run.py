"""Stream an assistant's run with hooks, and give it the output of a function that it calls; the server is scripted."""

import json

import anyio

from anyopenai import AsyncAssistantEventHandler, OpenAI
from anyopenai.testing import Answer, FakeTransport
from anyopenai.types.beta.threads import Run, Text, TextDelta
from anyopenai.types.beta.threads.run_submit_tool_outputs_params import ToolOutput
from anyopenai.types.beta.threads.runs import ToolCall


def temperature(city: str) -> str:
    return {"Oslo": "-3 degrees", "Rome": "14 degrees"}.get(city, "not known")


class Conversation(AsyncAssistantEventHandler):
    """Prints what is said, and collects the outputs of the functions that are called."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs: list[ToolOutput] = []

    async def on_text_delta(self, delta: TextDelta, snapshot: Text) -> None:
        print(delta.value or "", end="", flush=True)

    async def on_text_done(self, text: Text) -> None:
        print()

    async def on_tool_call_done(self, tool_call: ToolCall) -> None:
        if tool_call.type == "function" and tool_call.function.name == "temperature":
            output = temperature(**json.loads(tool_call.function.arguments))
            print("tool:", tool_call.function.arguments, "->", output)
            self.outputs.append({"tool_call_id": tool_call.id, "output": output})


async def converse(client: OpenAI, thread_id: str, assistant_id: str) -> Run:
    """Run an assistant on a thread, with its functions, until it has said everything."""
    threads = client.beta.threads
    handler = Conversation()
    manager = threads.runs.stream(thread_id, assistant_id=assistant_id, event_handler=handler)
    while True:
        async with manager as stream:
            run = await stream.get_final_run()
        if run.status != "requires_action":
            return run
        outputs, handler = handler.outputs, Conversation()
        manager = threads.runs.submit_tool_outputs_stream(
            run.id, thread_id=thread_id, tool_outputs=outputs, event_handler=handler
        )


async def main() -> None:
    async with OpenAI(api_key="any", transport=scripted()) as client:
        run = await converse(client, "thread_1", "asst_1")
        print("run:", run.status)


def scripted() -> FakeTransport:
    """Answer as a server does whose assistant looks a temperature up and tells it."""
    run = {"id": "run_1", "object": "thread.run", "thread_id": "thread_1", "assistant_id": "asst_1"}
    step = {"id": "step_1", "object": "thread.run.step", "run_id": "run_1", "type": "tool_calls"}
    none: list[object] = []
    made = {**step, "status": "in_progress", "step_details": {"type": "tool_calls", "tool_calls": none}}
    message = {"id": "msg_1", "object": "thread.message", "thread_id": "thread_1", "role": "assistant"}
    said = "In Oslo it is -3 degrees."

    def called(**function: str) -> tuple[str, object]:
        begun = {"id": "call_1"} if "name" in function else {}
        call = {"index": 0, "type": "function", **begun, "function": function}
        delta = {"step_details": {"type": "tool_calls", "tool_calls": [call]}}
        return "thread.run.step.delta", {"id": "step_1", "object": "thread.run.step.delta", "delta": delta}

    def spoken(word: str) -> tuple[str, object]:
        content = [{"index": 0, "type": "text", "text": {"value": word}}]
        return "thread.message.delta", {
            "id": "msg_1",
            "object": "thread.message.delta",
            "delta": {"content": content},
        }

    whole = [{"type": "text", "text": {"value": said, "annotations": none}}]
    done = b"event: done\ndata: [DONE]\n\n"
    return FakeTransport(
        Answer(
            events=[
                ("thread.run.created", {**run, "status": "queued"}),
                ("thread.run.step.created", made),
                called(name="temperature", arguments='{"city"'),
                called(arguments=': "Oslo"}'),
                ("thread.run.requires_action", {**run, "status": "requires_action"}),
                done,
            ]
        ),
        Answer(
            events=[
                ("thread.message.created", {**message, "status": "in_progress", "content": none}),
                *(spoken(word) for word in said.replace(" ", " |").split("|")),
                ("thread.message.completed", {**message, "status": "completed", "content": whole}),
                ("thread.run.completed", {**run, "status": "completed"}),
                done,
            ]
        ),
    )


if __name__ == "__main__":
    anyio.run(main)

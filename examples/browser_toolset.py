"""Let a model use a browser: here one of three pages in memory, with a policy for what it may do."""

import anyio

from anyopenai import OpenAI
from anyopenai.tools import (
    AsyncBrowserToolset,
    BrowserConfirmContext,
    BrowserError,
    BrowserReadV1,
    BrowserState,
    ClickInput,
    FindInput,
    ReadPageInput,
)
from anyopenai.types.responses import ResponseInputItemParam

PAGES = {
    "start": ("A shop for lamps.", {"e1": ("Catalogue", "catalogue"), "e2": ("About us", "about")}),
    "catalogue": ("Desk lamp: 20. Floor lamp: 45.", {"e3": ("Start", "start")}),
    "about": ("Lamps since 1950.", {"e4": ("Start", "start")}),
}


class Shop:
    """A driver says which tabs there are, and has a method for each tool that it offers."""

    def __init__(self) -> None:
        self.page = "start"

    async def state(self) -> BrowserState:
        return {"tabs": [{"id": "t1", "title": self.page, "url": f"https://lamps.example/{self.page}", "active": True}]}

    async def read_page(self, action: ReadPageInput) -> BrowserReadV1:
        text, links = PAGES[self.page]
        return {
            "version": 1,
            "text": text if action["filter"] == "all" else "",
            "elements": [{"ref": ref, "role": "button", "label": label} for ref, (label, _) in links.items()],
            "omitted": [],
        }

    async def find(self, action: FindInput) -> str | None:
        _, links = PAGES[self.page]
        found = [ref for ref, (label, _) in links.items() if action["query"].lower() in label.lower()]
        return ", ".join(found) or None

    async def click(self, action: ClickInput) -> None:
        _, links = PAGES[self.page]
        if action["target"] not in links:
            # Said in words that the model may hear; the texts of other exceptions stay here.
            raise BrowserError(f"There is no {action['target']!r} on this page. Read it again.")
        self.page = links[action["target"]][1]


async def confirm(context: BrowserConfirmContext) -> bool:
    """Ask a person here; only True lets it happen."""
    print("approve", context["member"], context["arguments"], "on", context["state"]["tabs"][0]["url"])
    return True


async def main() -> None:
    toolset = AsyncBrowserToolset(Shop(), confirm=confirm)
    history: list[ResponseInputItemParam] = [{"role": "user", "content": "What does a floor lamp cost?"}]
    async with OpenAI() as client:
        for _ in range(10):
            response = await client.responses.create(model="gpt-5.5", input=history, tools=toolset.tools)
            history += response.output
            calls = [item for item in response.output if item.type == "function_call"]
            for call in calls:
                output = await toolset.execute(call)
                print(call.name, "->", output["output"])
                history.append(output)
            if not calls:
                print(response.output_text)
                break


if __name__ == "__main__":
    anyio.run(main)

"""Ask several questions at once, print the answers' text as it comes, and say what each cost."""

import anyio

from anyopenai import OpenAI, UsageLedger, merge

QUESTIONS = {"sky": "Why is the sky blue?", "sea": "Why is the sea salty?", "snow": "Why is snow white?"}


async def main() -> None:
    ledger = UsageLedger()
    async with OpenAI() as client:
        calls = {
            tag: client.with_options(usage=ledger.tag(tag)).chat.completions.create(
                model="gpt-5.5", messages=[{"role": "user", "content": question}], stream=True
            )
            for tag, question in QUESTIONS.items()
        }
        texts = dict.fromkeys(QUESTIONS, "")
        # The calls are made at the same time; leaving the block closes what is still open.
        async with merge(calls) as chunks:
            async for tag, chunk in chunks:
                for choice in chunk.choices:
                    texts[tag] += choice.delta.content or ""
    for tag, text in texts.items():
        print(f"{tag}: {text}")
    for tag in QUESTIONS:
        print(f"tokens for {tag}: {ledger[tag].total_tokens}")
    print("tokens in all:", ledger.total.total_tokens)


if __name__ == "__main__":
    anyio.run(main)

"""The OpenAI SDK for Python, async-only, for asyncio and trio."""

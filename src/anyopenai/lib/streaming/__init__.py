"""`openai.lib.streaming` under its own name: streams, each kind in a module of its own; nothing lives here."""

"""`openai.lib.beta` under its own name: helpers of what is in beta; nothing lives here."""

"""openai-python's module names for helpers, so that moving over means changing an import; everything lives elsewhere."""

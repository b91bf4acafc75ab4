"""Writes `anyopenai.types` and `anyopenai.resources` from the official API description; no part of the wheel.

Run it with `tox run -e gen -- PATH/openapi.json`; docs/reference/generator.md explains inputs, decisions and checks.
"""

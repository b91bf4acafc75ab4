"""Bytes and numbers only: parsers and deciders without I/O; clocks and randomness are arguments."""

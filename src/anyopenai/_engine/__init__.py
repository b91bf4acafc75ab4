"""The request pipeline: prepare, attempt, retry, decode, iterate."""

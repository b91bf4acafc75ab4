"""One module for each thing that is measured: each has a `SCENARIO` and a `run`; nothing that starts processes."""

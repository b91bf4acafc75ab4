"""What the package costs beside its peers: `python -m benchmarks --help`; README.md says how to run and read it."""

"""The package's version, for the header that names it and for users; nothing else."""

from __future__ import annotations

__all__ = ("__version__",)

__version__ = "0.1.0"

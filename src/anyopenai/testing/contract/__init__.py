"""`check_transport`: what every transport must do, proved against servers; the public names, and no check of its own."""

from __future__ import annotations

from .runner import BrokenTransportError, TransportReport, check_transport

__all__ = ("BrokenTransportError", "TransportReport", "check_transport")

"""Everything about a run before it is queued: legal, fits, schedule as meant, step time."""

from wse_emulator.preflight.judge import Plan, preflight
from wse_emulator.results.preflight import Preflight

__all__ = ["Plan", "Preflight", "preflight"]

"""Lowering: a step program, placed and planned, becomes the list of activities of the machine."""

from wse_emulator.lowering.update import Lowered, lower

__all__ = ["Lowered", "lower"]

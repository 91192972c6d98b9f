"""A training loop that exists already, on the emulator (`answer.py`): what stands in for its steps,
what is compared in each of them, and the report."""

from wse_emulator.questions.attach.answer import attach
from wse_emulator.questions.attach.emulation import Emulation

__all__ = ["Emulation", "attach"]

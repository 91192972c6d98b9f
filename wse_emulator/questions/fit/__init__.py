"""Does it fit? The question, its answer, and what would change it."""

from wse_emulator.questions.fit.answer import fit

__all__ = ["fit"]

"""Models by name or file: their shapes, and their layers on the meta device, which holds no data.

The layers have the parameters of the published models, tensor for tensor, and the operations that
decide what the backward pass needs. Attention is written out (scores, softmax, weighted sum), since
the machine has no fused kernel for it.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wse_emulator.results.models import ModelEntry


class _ModelsPackage(ModuleType):
    """The package ``wse_emulator.models``, which has the name of a command: called, it answers."""

    def __call__(self) -> tuple[ModelEntry, ...]:
        """List the built-in models; see :func:`wse_emulator.questions.models.models`."""
        # results and questions stand above this room
        from wse_emulator.questions.models import models  # noqa: PLC0415

        return models()


sys.modules[__name__].__class__ = _ModelsPackage

"""The face of the reference API: ``from wse_emulator import optim`` reads like its documentation.

``optim.AdamW``, ``optim.lr_scheduler.CosineDecayLR``, ``optim.configure_optimizer`` and
``optim.configure_lr_scheduler`` resolve here.
"""

from __future__ import annotations

import schedulers as lr_scheduler
from optimizers import *  # noqa: F403  the face re-exports the whole reference API
from optimizers import __all__ as _optimizers
from schedulers import configure_lr_scheduler

__all__ = [*_optimizers, "configure_lr_scheduler", "lr_scheduler"]  # noqa: PLE0604  names above

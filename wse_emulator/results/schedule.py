"""The learning rate at every step of a schedule, as values and as a JSON document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

ALL_GROUPS: Final = "all"
"""Name of the one group of a schedule that is for all parameters."""

SCHEMA: Final = "wse-schedule/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRates:
    """The rates of one group of parameters.

    Attributes:
        name: the group's tag, the part of the model it is for, or ``all``.
        learning_rate: float32, one for each step from 0.
        milestones: steps at which a schedule changes its formula or its rate jumps.
    """

    name: str
    learning_rate: NDArray[np.float32]
    milestones: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningRates:
    """The learning rate of a run config at every step.

    Attributes:
        source: the config's file.
        steps: how many steps, from step 0.
        groups: one or more.
        ignored: what the learning-rate sections hold and no schedule takes.
    """

    source: str
    steps: int
    groups: tuple[GroupRates, ...]
    ignored: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """The JSON document (schema ``wse-schedule/1``), without the file's own rounding."""
        return {
            "schema": SCHEMA,
            "source": self.source,
            "steps": self.steps,
            "groups": [
                {
                    "name": group.name,
                    "milestones": list(group.milestones),
                    "learning_rate": group.learning_rate.tolist(),
                }
                for group in self.groups
            ],
            "ignored": list(self.ignored),
            "request": {"config": self.source, "steps": self.steps},
        }

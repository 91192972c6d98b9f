"""The learning rate at every step of a schedule, as values and as a JSON document."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wse_emulator.errors import InputError
from wse_emulator.results.answer import DrawnAnswer

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


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LearningRates(DrawnAnswer):
    """The learning rate of a run config at every step.

    Attributes:
        source: the config's file.
        steps: how many steps, from step 0.
        groups: one or more.
        ignored: what the learning-rate sections hold and no schedule takes.
        beside: another schedule, which tables and pictures lay over this one; None without one.

    Example:
        >>> rates = wse_emulator.schedule("scenarios/run_configs/llama_7b.yaml", steps=100)
        >>> sorted(rates.tables())
        ['rates']
    """

    source: str
    steps: int
    groups: tuple[GroupRates, ...]
    ignored: tuple[str, ...] = ()
    beside: LearningRates | None = None

    def compare(self, other: LearningRates) -> LearningRates:
        """Lay another schedule over this one, for tables and pictures.

        Raises:
            InputError: ``other`` is no schedule.
        """
        if not isinstance(other, LearningRates):
            raise InputError(f"a schedule is compared with another, not with {other!r}")
        return replace(self, beside=other)

    def document(self) -> dict[str, object]:
        """The JSON document (schema ``wse-schedule/1``), without the file's own rounding."""
        document: dict[str, object] = {
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
        if self.beside is not None:
            document["compare"] = self.beside.document()
        return document

"""Stacks of equal blocks, measured by a few of them.

Blocks of a stack differ at most at its ends: the first saves what later ones share, the last
hands on to another part. Three blocks show all there is, whatever the depth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from torch import nn

from wse_emulator.capture.saved import StageBytes
from wse_emulator.models.names import layer_of
from wse_emulator.models.resized import deepened, is_resizable

MEASURED: Final = 3
"""Blocks of a stack that are run."""


def shortened(module: nn.Module) -> nn.Module | None:
    """One of the package's transformers with three blocks a stack; None if that is no less."""
    depths = _depths(module).values()
    if not is_resizable(module) or min(depths, default=0) <= MEASURED:
        return None
    return deepened(module, MEASURED)


def stretched(stages: Sequence[StageBytes], module: nn.Module) -> tuple[StageBytes, ...]:
    """Stages of ``module`` from those of its shortened form: middle blocks are all alike."""
    depths = _depths(module)
    whole: list[StageBytes] = []
    for (numbered, stack), group in groupby(stages, key=lambda s: (s.numbered, _stack(s.name))):
        measured = list(group)
        if numbered:
            first, middle, last = measured
            between = [middle] * (depths[stack] - 2)
            measured = [
                replace(stage, name=f"{stack}.{number}")
                for number, stage in enumerate((first, *between, last))
            ]
        whole += measured
    return tuple(whole)


def _depths(module: nn.Module) -> dict[str, int]:
    """Name of each stack -> number of its blocks."""
    blocks = groupby(_blocks(module), key=_stack)
    return {stack: len(list(names)) for stack, names in blocks}


def _blocks(module: nn.Module) -> Iterator[str]:
    return (name for name, _ in module.named_modules() if layer_of(f"{name}.parameter") == name)


def _stack(layer: str) -> str:
    return layer.rpartition(".")[0]

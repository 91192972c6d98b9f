"""Group parameters into layers by their names."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from wse_emulator.models.names import layer_of, module_of


@dataclass(frozen=True, slots=True)
class LayerGroup:
    """Consecutive parameters that share a rectangle.

    Attributes:
        members: names of the layers, one or more.
        tensors: parameter indices.
        load_bytes: bytes of the group, over all PEs.
        indexed: whether it holds a numbered layer (``transformer.h.3``).
    """

    members: tuple[str, ...]
    tensors: tuple[int, ...]
    load_bytes: float
    indexed: bool

    @property
    def name(self) -> str:
        """The name of the layer; for several layers, the names of the first and the last."""
        first, last = self.members[0], self.members[-1]
        return first if len(self.members) == 1 else f"{first} .. {last}"


def group_layers(
    names: Sequence[str], loads: Sequence[float], extra: dict[str, float] | None = None
) -> list[LayerGroup]:
    """Group the parameters of each numbered layer, and those between two numbered layers.

    Args:
        names: parameter names in model order.
        loads: bytes of each parameter with all that lies beside it.
        extra: layer name -> its further bytes, such as activations.
    """
    extra = extra or {}
    groups = []
    for layer, run in groupby(range(len(names)), key=lambda i: layer_of(names[i])):
        tensors = tuple(run)
        name = layer if layer is not None else _outside_name([names[i] for i in tensors])
        load = sum(loads[i] for i in tensors) + extra.get(name, 0.0)
        groups.append(LayerGroup((name,), tensors, load, indexed=layer is not None))
    return groups


def _outside_name(names: Sequence[str]) -> str:
    modules = list(dict.fromkeys(module_of(name) for name in names))
    return modules[0] if len(modules) == 1 else f"{modules[0]} .. {modules[-1]}"


def merge_small(groups: Sequence[LayerGroup], limit_bytes: float, most: int) -> list[LayerGroup]:
    """Join groups that are too small for a rectangle of their own.

    A group of less than ``limit_bytes`` outside the numbered layers (a final norm) joins its
    neighbour; then the lightest pair of neighbours joins until at most ``most`` groups are left
    (a wafer with fewer PEs than layers).
    """
    merged: list[LayerGroup] = []
    for group in groups:
        small = not group.indexed and group.load_bytes < limit_bytes
        before_small = (
            bool(merged) and not merged[-1].indexed and merged[-1].load_bytes < limit_bytes
        )
        if merged and (small or before_small):
            merged[-1] = _join(merged[-1], group)
        else:
            merged.append(group)
    return _joined_to(merged, max(1, most))


def _joined_to(groups: Sequence[LayerGroup], most: int) -> list[LayerGroup]:
    """Join the lightest pair of neighbours, the first of equals, until ``most`` groups are left."""
    left: dict[int, LayerGroup] = dict(enumerate(groups))
    after = {i: i + 1 for i in range(len(groups) - 1)}
    before = {i + 1: i for i in range(len(groups) - 1)}

    def pair(i: int) -> tuple[float, int, int]:
        return left[i].load_bytes + left[after[i]].load_bytes, i, after[i]

    pairs = [pair(i) for i in after]
    heapq.heapify(pairs)
    while len(left) > most:
        entry = heapq.heappop(pairs)
        _, i, j = entry
        if i not in left or after.get(i) != j or pair(i) != entry:
            continue  # one of the two has been joined to another since
        left[i] = _join(left[i], left.pop(j))
        following = after.pop(j, None)
        if following is None:
            del after[i]
        else:
            after[i], before[following] = following, i
            heapq.heappush(pairs, pair(i))
        if i in before:
            heapq.heappush(pairs, pair(before[i]))
    return list(left.values())


def _join(first: LayerGroup, second: LayerGroup) -> LayerGroup:
    return LayerGroup(
        first.members + second.members,
        first.tensors + second.tensors,
        first.load_bytes + second.load_bytes,
        first.indexed or second.indexed,
    )

"""More layers than PEs are joined quickly, and always the lightest pair first."""

from __future__ import annotations

import random

from wse_emulator.placement.layers import LayerGroup, merge_small


def groups_of(loads: list[float]) -> list[LayerGroup]:
    return [LayerGroup((str(i),), (i,), load, indexed=True) for i, load in enumerate(loads)]


def test_the_lightest_pair_of_neighbours_joins_first() -> None:
    draw = random.Random(1)
    for _ in range(50):
        loads = [float(draw.randint(0, 5)) for _ in range(draw.randint(1, 30))]
        most = draw.randint(1, len(loads))
        expected = list(loads)
        while len(expected) > most:
            i = min(range(len(expected) - 1), key=lambda k: (expected[k] + expected[k + 1], k))
            expected[i : i + 2] = [expected[i] + expected[i + 1]]
        joined = merge_small(groups_of(loads), 0.0, most)
        assert [group.load_bytes for group in joined] == expected
        assert [i for group in joined for i in group.tensors] == list(range(len(loads)))


def test_many_layers_are_joined_on_few_pes() -> None:
    joined = merge_small(groups_of([1.0] * 20_000), 0.0, 16)
    assert len(joined) == 16
    assert sum(len(group.tensors) for group in joined) == 20_000

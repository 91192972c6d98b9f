"""What is refused before the first cycle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tests.engines.drawn import machine
from wse_emulator.activities import (
    Activity,
    Chain,
    LineMulticast,
    Multicast,
    OpChain,
    Send,
    Shift,
    Star,
    VectorOp,
    Work,
)
from wse_emulator.engines import simulate
from wse_emulator.engines.admission import admit, routers_of
from wse_emulator.errors import ColorsExhaustedError, UnknownNameError
from wse_emulator.wafer.region import Region

SPEC = machine(rows=6, cols=6, colors=5, reserved_colors=3)
WAFER = Region(0, 0, 6, 6)


def test_more_channels_than_colors_names_the_router_and_the_flows() -> None:
    program = [
        Multicast("m", Region(0, 0, 3, 6), (0, 0), 1, "rate"),
        Send("x", (2, 0), (2, 4), 1, "left"),
        Chain("c", Region(2, 0, 4, 6), "column", 2, 1, 4, (0, 0, 0, 1, 0, 0), "sum"),
    ]
    with pytest.raises(ColorsExhaustedError) as error:
        admit(SPEC, program, 0)
    message = str(error.value)
    assert "3 channels pass the router of PE (2, 3), and 2 of its 5 colors" in message
    assert "rate (in region [0, 0, 3, 6])" in message
    assert "left (in region [2, 0, 1, 5])" in message
    assert "sum (in region [2, 3, 4, 1])" in message


def test_channels_that_never_meet_need_no_more_colors() -> None:
    program = [Multicast("m", Region(r, 0, 1, 6), (r, 0), 1, f"row {r}") for r in range(6)]
    admit(SPEC, program, 0)


@pytest.mark.parametrize(
    ("activity", "routers"),
    [
        (Send("s", (1, 1), (3, 4), 1, "a"), {(1, 1), (1, 2), (1, 3), (1, 4), (2, 4), (3, 4)}),
        (
            Chain("c", WAFER, "row", 5, -2, 3, (0, 1, 0, 0, 0, 0), "a", group=2),
            {(1, 5), (1, 4), (1, 3)},
        ),
        (Star("s", WAFER, "column", 2, 1, 3, (0, 0, 1, 0, 0, 0), "a"), {(2, 2), (3, 2), (4, 2)}),
        (
            LineMulticast("l", Region(0, 0, 3, 2), "row", 0, (0, 3, 3), "a"),
            {(1, 0), (1, 1), (2, 0), (2, 1)},
        ),
        (Shift("t", Region(1, 2, 3, 2), "column", (0, 2), "a"), {(1, 3), (2, 3), (3, 3)}),
        (Shift("t", Region(1, 2, 1, 2), "column", 2, "a"), set()),
        (Multicast("m", WAFER, (0, 0), 0, "a"), set()),
        (Send("s", (1, 1), (1, 1), 5, "a"), set()),
    ],
)
def test_a_channel_occupies_the_routers_it_passes(
    activity: Activity, routers: set[tuple[int, int]]
) -> None:
    assert not isinstance(activity, Work)
    passed = {
        (row, col)
        for region in routers_of(activity, SPEC)
        for row in range(region.row, region.row_stop)
        for col in range(region.col, region.col_stop)
    }
    assert passed == routers


@pytest.mark.parametrize(
    "program",
    [
        [Multicast("m", Region(0, 0, 7, 6), (0, 0), 1, "a")],
        [Send("s", (0, 0), (0, 6), 1, "a")],
        [Work("w", Region(0, 0, 1, 1), (OpChain((VectorOp(2, 5),)),), ((1, 0),))],
    ],
)
def test_a_program_has_to_lie_on_the_machine(program: Sequence[Activity]) -> None:
    with pytest.raises(ValueError, match="activity"):
        admit(SPEC, program, 2)


def test_an_unknown_engine_is_refused_by_name() -> None:
    with pytest.raises(UnknownNameError, match=r"'fast'.*array, pe"):
        simulate("fast", SPEC, [], resident_bytes=np.zeros((6, 6), np.int64), op_count=0)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Chain("c", WAFER, "row", 0, 0, 2, 1, "a"),
        lambda: Chain("c", WAFER, "row", 0, 3, 3, 1, "a"),
        lambda: Chain("c", WAFER, "row", 0, 1, 2, (1, 2), "a"),
        lambda: Chain("c", WAFER, "row", 0, 1, 2, -1, "a"),
        lambda: Star("s", WAFER, "column", 6, -1, 2, 1, "a"),
        lambda: Star("s", WAFER, "row", 0, 2, 2, 1, "a"),
        lambda: Shift("t", WAFER, "row", (1, 2), "a"),
        lambda: Multicast("m", Region(1, 1, 2, 2), (0, 0), 1, "a"),
        lambda: LineMulticast("l", Region(0, 1, 2, 2), "row", 0, 1, "a"),
        lambda: Work("w", WAFER, (OpChain(()),), ((35, 0),)),
        lambda: Work("w", WAFER, (OpChain(()),), ((36, 1),)),
        lambda: Send("s", (0, -1), (0, 0), 1, "a"),
    ],
)
def test_an_impossible_activity_says_what_is_wrong(wrong: object) -> None:
    assert callable(wrong)
    with pytest.raises(ValueError, match=r"activity '\w'"):
        wrong()

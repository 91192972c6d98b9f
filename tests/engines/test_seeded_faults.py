"""The search would notice: each fault below, put into one engine, is found by it."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappush

import pytest
from hypothesis import HealthCheck, Phase, find, settings

from tests.engines.agreement import both, differences
from tests.engines.drawn import KINDS, Case, Kind, cases, chains, works
from wse_emulator.engines.array import bookings, op_tables, reductions, shifts
from wse_emulator.engines.pe import messages, programs
from wse_emulator.engines.pe.links import Fabric, Link
from wse_emulator.engines.pe.messages import RoutedMessage
from wse_emulator.errors import ConservationError

Patch = pytest.MonkeyPatch


def arbiters_do_not_wait(patch: Patch) -> None:
    """Links decide at the first request of a cycle."""

    def decide_on(self: Fabric, link: Link) -> None:
        self._deciding = [link]
        self._decide()
        self._decided_at = -1

    patch.setattr(Fabric, "_decide_on", decide_on)


def ties_go_to_the_last_activity(patch: Patch) -> None:
    def ask(self: Fabric, message: RoutedMessage, link: Link) -> None:
        key = (self.clock.now, -message.activity, message.source_index, message)
        heappush(link.asking, key)
        self._decide_on(link)

    patch.setattr(Fabric, "_ask", ask)


def contention_goes_unseen(patch: Patch) -> None:
    patch.setattr(bookings.Bookings, "_mark", lambda *_: None)


def back_pressure_reaches_one_position(patch: Patch) -> None:
    whole = reductions.windowed_maximum
    patch.setattr(reductions, "windowed_maximum", lambda v, w: whole(v, min(w, 2)))


def channels_keep_no_order(patch: Patch) -> None:
    patch.setattr(bookings.Bookings, "free", lambda *_: None)


def corners_cost_nothing(patch: Patch) -> None:
    patch.setattr(messages.RectangleMessage, "turns", lambda *_: False)


def queues_are_one_deeper(patch: Patch) -> None:
    true, of_message = programs.wavelets_on_the_way, programs.room_of
    patch.setattr(programs, "wavelets_on_the_way", lambda *path: true(*path) + 1)
    patch.setattr(programs, "room_of", lambda *path: of_message(*path) + 1)


def tails_are_full_strips(patch: Patch) -> None:
    patch.setattr(op_tables, "_kinds", lambda _: ((True, False), (False, False)) * 2)


def shifts_hold_nobody_back(patch: Patch) -> None:
    patch.setattr(shifts, "wavelets_on_the_way", lambda *_: 1 << 40)


def a_task_makes_room_for_wavelets(patch: Patch) -> None:
    true = reductions.wavelets_on_the_way
    patch.setattr(reductions, "wavelets_on_the_way", lambda d, spec: true(d, spec) + 6)


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        (arbiters_do_not_wait, KINDS),
        (ties_go_to_the_last_activity, KINDS),
        (contention_goes_unseen, KINDS),
        (back_pressure_reaches_one_position, (works, chains)),
        (channels_keep_no_order, KINDS),
        (corners_cost_nothing, KINDS),
        (queues_are_one_deeper, KINDS),
        (tails_are_full_strips, KINDS),
        (shifts_hold_nobody_back, KINDS),
        (a_task_makes_room_for_wavelets, (works, chains)),
    ],
)
def test_the_search_finds_a_fault(fault: Callable[[Patch], None], kinds: tuple[Kind, ...]) -> None:
    def noticed(case: Case) -> bool:
        with pytest.MonkeyPatch.context() as patch:
            fault(patch)
            try:
                return bool(differences(*both(case)))
            except (ConservationError, LookupError):
                return True  # an engine that loses track of its own queues is noticed too

    search = settings(
        max_examples=2_000,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    find(cases(kinds=kinds), noticed, settings=search)

"""Channels share an array of link times only if they lie apart."""

from __future__ import annotations

from wse_emulator.activities import Activity, Multicast, Send, Star
from wse_emulator.engines.array.channel_slots import channels_of
from wse_emulator.wafer.region import Region


def twice(region: Region, channel: str) -> list[Activity]:
    message = Multicast("m", region, (region.row, region.col), 1, channel)
    return [message, message]


def test_channels_in_separate_rectangles_share() -> None:
    program = [
        *twice(Region(0, 0, 2, 2), "a"),
        *twice(Region(0, 2, 2, 2), "b"),
        *twice(Region(1, 1, 1, 2), "c"),
    ]
    assert channels_of(program).slots == {"a": 0, "b": 0, "c": 1}


def test_all_activities_of_a_channel_count() -> None:
    program = [
        *twice(Region(0, 0, 1, 1), "a"),
        Send("far", (5, 5), (5, 6), 1, "a"),
        *twice(Region(3, 3, 1, 1), "b"),
    ]
    assert channels_of(program).slots == {"a": 0, "b": 1}


def test_a_single_message_meets_nothing_and_a_star_is_many() -> None:
    row = Region(0, 0, 1, 3)
    message = Multicast("m", row, (0, 0), 1, "once")
    star = Star("s", row, "row", 0, 1, 3, 1, "star")
    assert channels_of([message]).slots == {}
    assert channels_of([star]).slots == {"star": 0}
    assert channels_of([message, star]).slots == {"once": 0, "star": 1}

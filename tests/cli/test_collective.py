"""``wse collective``."""

from __future__ import annotations

import json

import pytest

from wse_emulator.cli.main import exit_code_of


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert exit_code_of(["collective", *arguments, "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert isinstance(document, dict)
    assert document["schema"] == "wse-collective/1"
    return document


def test_the_published_two_phase_reduce(capsys: pytest.CaptureFixture[str]) -> None:
    shape = ("--pes", "512", "--wavelets", "4096")
    document = answer(capsys, "reduce", "--algorithm", "two-phase", "--group", "16", *shape)
    assert document["cycles"] == 8933
    assert document["bounds"] == {"published_formula_cycles": 8933, "least_cycles": 4612}
    assert document["candidates"]["rows"][0] == {"algorithm": "chain", "cycles": 7162}
    assert document["seconds"] == pytest.approx(8933 / 850e6)


def test_auto_takes_the_first_candidate(capsys: pytest.CaptureFixture[str]) -> None:
    document = answer(capsys, "reduce", "--pes", "24", "--wavelets", "3")
    best = document["candidates"]["rows"][0]
    assert document["cycles"] == best["cycles"]
    assert document["algorithms"] == [f"rows: {best['algorithm']}"]


def test_both_engines_give_the_same_answer(capsys: pytest.CaptureFixture[str]) -> None:
    shape = ("all-reduce", "--rows", "7", "--cols", "9", "--wavelets", "5", "--root", "centre")
    fast = answer(capsys, *shape)
    slow = answer(capsys, *shape, "--engine", "pe")
    assert fast == slow
    assert fast["algorithms"][-1] == "multicast"


def test_routers_of_a_broadcast(capsys: pytest.CaptureFixture[str]) -> None:
    document = answer(capsys, "broadcast", "--pes", "4", "--wavelets", "2")
    routers = document["routers"]
    assert [role["pes"] for role in routers] == [[[0, 0]], [[0, 1], [0, 2]], [[0, 3]]]
    assert routers[1]["colors"] == [
        {"color": 0, "positions": [{"rx": "WEST", "tx": ["EAST", "RAMP"]}]}
    ]


def test_a_large_rectangle_lists_no_routes_unless_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "routers" not in answer(capsys, "broadcast", "--rows", "99", "--cols", "99", *LENGTH)
    assert exit_code_of(["collective", "broadcast", "--rows", "99", "--cols", "99", *LENGTH]) == 0
    assert "--routes" in capsys.readouterr().out


LENGTH = ("--wavelets", "1")


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        exit_code_of(["collective", "all-reduce", "--pes", "6", *LENGTH, "--algorithm", "ring"])
        == 0
    )
    shown = capsys.readouterr().out
    for text in ("cycles", "published formula", "Link loads", "RAMP -> "):
        assert text in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["reduce", "--pes", "4"], "--wavelets"),
        (["reduce", "--wavelets", "4"], "--pes"),
        (["reduce", "--pes", "4", "--rows", "2", "--wavelets", "4"], "--pes"),
        (["reduce", "--pes", "5000", "--wavelets", "4"], "5000"),
        (["reduce", "--pes", "4", "--wavelets", "9" * 30], "cycles"),
        (["reduce", "--rows", "5000", "--cols", "2", "--wavelets", "4"], "rows"),
        (["reduce", "--pes", "4", "--wavelets", "0"], "--wavelets"),
        (["reduce", "--pes", "4", "--wavelets", "4", "--algorithm", "ring"], "ring"),
        (["reduce", "--pes", "4", "--wavelets", "4", "--group", "2"], "group"),
        (["broadcast", "--pes", "4", "--wavelets", "4", "--algorithm", "tree"], "multicast"),
        (["gather", "--pes", "4", "--wavelets", "4"], "gather"),
        (["reduce", "--pes", "4", "--wavelets", "4", "--wafer", "wse7"], "wse7"),
        (["reduce", "--pes", "4", "--wavelets", "4", "--set", "colors=0"], "colors"),
        (["reduce", "--pes", "4", "--wavelets", "4", "--engine", "warp"], "warp"),
    ],
)
def test_mistakes_are_one_plain_line(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code_of(["collective", *arguments]) == 2
    shown = capsys.readouterr().err
    assert says in shown
    assert shown.count("\n") == 1

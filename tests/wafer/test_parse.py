"""What follows ``--wafer`` and ``--set``, and machine files."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from wse_emulator.errors import MalformedFileError, UnknownNameError, WaferSpecError
from wse_emulator.wafer import PRESETS, WSE2, WaferSpec, machine_document, parse_wafer
from wse_emulator.wafer.kernel_cycles import KERNEL_FIELDS
from wse_emulator.wafer.library import LibraryCall
from wse_emulator.wafer.parse import typed_wafer


def test_presets_cuts_and_settings() -> None:
    assert parse_wafer("wse2") is WSE2
    assert parse_wafer("WSE-2") is WSE2
    assert parse_wafer("wse3_silicon").name == "wse3-silicon"
    spec = parse_wafer("wse2:64x48", ("hop_cycles=2", "cycles_per_wavelet=9/8"))
    assert (spec.rows, spec.cols, spec.hop_cycles) == (64, 48, 2)
    assert spec.cycles_per_wavelet == Fraction(9, 8)
    assert "user" in spec.sources["hop_cycles"]


def test_a_setting_of_one_lane_rate_leaves_the_others() -> None:
    spec = parse_wafer("wse2", ("lanes.fma.float32=1/2",))
    assert spec.lane_rate("fma", "float32").elements_per_cycle == Fraction(1, 2)
    assert spec.lane_rate("add", "float32") == WSE2.lane_rate("add", "float32")


def test_a_setting_of_one_coefficient_leaves_the_others() -> None:
    spec = parse_wafer("wse2", ("kernels.star_start=75/2", "kernels.stream=0"))
    assert spec.kernels == replace(WSE2.kernels, star_start=Fraction(75, 2), stream=Fraction(0))
    assert "user" in spec.sources["kernels"]


def test_settings_of_starts_and_of_products() -> None:
    spec = parse_wafer("wse2", ("wavelet_launch_cycles=16", "products=map", "star_line_pes=0"))
    assert (spec.wavelet_launch_cycles, spec.products, spec.star_line_pes) == (16, "map", 0)
    assert "user" in spec.sources["products"]


@pytest.mark.parametrize("field", KERNEL_FIELDS)
def test_every_coefficient_can_be_set_and_written_as_it_was_typed(field: str) -> None:
    setting = f"kernels.{field}={getattr(WSE2.kernels, field) + Fraction(1, 3)}"
    spec = parse_wafer("wse2:4x5", (setting,))
    assert getattr(spec.kernels, field) == getattr(WSE2.kernels, field) + Fraction(1, 3)
    assert typed_wafer(spec) == ("wse2:4x5", (setting,))


@pytest.mark.parametrize(
    "setting", ["products=csl", "star_line_pes=7", "loop_jump_cycles=0", "scalar_store_cycles=9"]
)
def test_a_changed_machine_is_told_by_what_to_type(setting: str) -> None:
    assert typed_wafer(parse_wafer("wse3", (setting,))) == ("wse3", (setting,))


def test_a_machine_file_may_change_coefficients_alone(tmp_path: Path) -> None:
    path = tmp_path / "slow.json"
    path.write_text('{"base": "wse2", "kernels": {"star_start": "75/2", "stream": 1.5}}')
    spec = parse_wafer(str(path))
    changed = {"star_start": Fraction(75, 2), "stream": Fraction(3, 2)}
    assert spec.kernels == replace(WSE2.kernels, **changed)


def test_a_machine_without_base_has_the_published_coefficients(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text('{"rows": 4, "cols": 4, "clock_hz": 1e9, "kernels": {"stream": 7}}')
    assert parse_wafer(str(path)).kernels == replace(WSE2.kernels, stream=Fraction(7))


def test_a_setting_takes_an_assumption_off_the_list() -> None:
    assert "reserved_bytes_per_pe" in WSE2.unsourced
    spec = parse_wafer("wse2", ("reserved_bytes_per_pe=6000",))
    assert "reserved_bytes_per_pe" not in spec.unsourced


def test_a_setting_of_one_call_of_the_library_is_known_and_leaves_the_others() -> None:
    spec = parse_wafer("wse2", ("library.exp.float32=40", "functions=vector"))
    call = spec.library_call("exp", "float32")
    assert (call.low_cycles, call.cycles, call.high_cycles) == (40, 40, 40)
    assert (call.evidence, call.source) == ("evidence", "set by the user")
    assert spec.library_call("log", "float32") == WSE2.library_call("log", "float32")
    assert spec.functions == "vector"
    assert typed_wafer(spec) == ("wse2", ("functions=vector", "library.exp.float32=40"))


def test_a_machine_file_may_state_all_of_a_call(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    entry = {"cycles": 30, "low": 20, "evidence": "counted", "source": "my count"}
    path.write_text(
        json.dumps({"base": "wse2", "library": {"cos": {"float32": entry, "float16": 9}}})
    )
    spec = parse_wafer(str(path))
    assert spec.library_call("cos", "float32") == LibraryCall(
        "cos", "float32", 30, 20, 30, "counted", "my count"
    )
    assert spec.library_call("cos", "float16").cycles == 9


@pytest.mark.parametrize(
    ("field", "instead"),
    [
        ("scalar_divide_cycles", r"library\.division\.float32"),
        ("scalar_function_cycles", r"library\.sqrt\.float32"),
        ("scalar_function_low_cycles", "low of each function"),
        ("scalar_function_high_cycles", "high of each function"),
        ("short_functions", "functions"),
    ],
)
def test_a_field_of_before_says_what_replaced_it(field: str, instead: str, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"base": "wse2", field: 1}))
    for text, settings in ((str(path), ()), ("wse2", (f"{field}=1",))):
        with pytest.raises(WaferSpecError, match=f"{field} is no field any more; .*{instead}"):
            parse_wafer(text, settings)


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("wse4", UnknownNameError, "wse2"),
        ("", UnknownNameError, "wse2"),
        ("wse2:0x8", WaferSpecError, "rows"),
        ("wse2:8x-1", WaferSpecError, "cols"),
        ("wse2:5000x5000", WaferSpecError, "rows"),
        ("wse2:64", WaferSpecError, "ROWSxCOLS"),
        ("nowhere.json", MalformedFileError, "nowhere.json"),
    ],
)
def test_wrong_machines_are_refused(text: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        parse_wafer(text)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("hop_cycle=2", "hop_cycles"),
        ("hop_cycles", "FIELD=VALUE"),
        ("hop_cycles=two", "hop_cycles"),
        ("hop_cycles=1.5", "hop_cycles"),
        ("cycles_per_wavelet=1/0", "cycles_per_wavelet"),
        ("lanes.fma=2", "lanes.CLASS.FORMAT"),
        ("lanes.fma.float32=0", "lanes.fma.float32"),
        ("lanes.turbo.float32=2", "lanes.turbo.float32"),
        ("lanes=2", "machine file"),
        ("rows=9999", "rows"),
        ("hop_cycles=1e999999999", "hop_cycles"),
        ("hop_cycles=" + "9" * 5000, "hop_cycles"),
        ("launch_cycles=1e15", "launch_cycles"),
        ("cycles_per_wavelet=1e9", "cycles_per_wavelet"),
        ("cycles_per_wavelet=nan", "cycles_per_wavelet"),
        ("cycles_per_wavelet=1/00", "cycles_per_wavelet"),
        ("lanes.fma.float32=-1", "lanes.fma.float32"),
        ("products=vendr", "one of vendor, map, csl"),
        ("products=", "one of vendor, map, csl"),
        ("star_line_pes=-1", "star_line_pes"),
        ("wavelet_launch_cycles=-1", "wavelet_launch_cycles"),
        ("step_launch_cycles=half", "step_launch_cycles"),
        ("loop_cycles=1.5", "loop_cycles"),
        ("scalar_load_cycles=-3", "scalar_load_cycles"),
        ("kernels=3", "machine file"),
        ("kernels.star=3", "star_start"),
        ("kernels.=3", "no coefficient named"),
        ("kernels.star_start=-1", "kernels.star_start"),
        ("kernels.star_start=soon", "kernels.star_start"),
        ("kernels.star_start=1e9", "kernels.star_start"),
        ("kernels.star_start=1/0", "kernels.star_start"),
        ("kernels.star_start=nan", "kernels.star_start"),
        ("functions=scalar", "one of library, vector"),
        ("library.exp=82", "library.FUNCTION.FORMAT"),
        ("library.exp.float32=82.5", "library.exp.float32"),
        ("library.exp.float32=-1", "library.exp.float32"),
        ("library.exp.float32=1e7", "library.exp.float32"),
        ("library.sinh.float32=82", "library.sinh.float32"),
        ("library.exp.int16=82", "library.exp.int16"),
        ("library=2", "machine file"),
    ],
)
def test_wrong_settings_are_refused_by_name(setting: str, says: str) -> None:
    with pytest.raises(WaferSpecError, match=says):
        parse_wafer("wse2", (setting,))


@pytest.mark.parametrize("spec", PRESETS.values(), ids=PRESETS)
def test_a_machine_file_holds_all_of_a_machine(spec: WaferSpec, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(machine_document(spec)))
    back = parse_wafer(str(path))
    assert back == spec
    assert back.sources == spec.sources
    assert back.unsourced == spec.unsourced


def test_a_machine_file_may_state_differences_from_a_preset(tmp_path: Path) -> None:
    path = tmp_path / "fast.json"
    path.write_text('{"base": "wse3", "clock_hz": 1.1e9, "lanes": {"fma": {"float32": [2, 9]}}}')
    spec = parse_wafer(f"{path}:16x8")
    assert (spec.name, spec.clock_hz, spec.pes) == ("fast:16x8", 1_100_000_000, 128)
    assert spec.lane_rate("fma", "float32").launch_cycles == 9
    assert "fast" in spec.sources["clock_hz"]


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        ("[]", MalformedFileError, "object"),
        ("{", MalformedFileError, "JSON"),
        ('{"schema": "wse-machine/9"}', MalformedFileError, "wse-machine/9"),
        ('{"rows": 4, "cols": 4}', WaferSpecError, "clock_hz"),
        ('{"base": "wse2", "row": 4}', WaferSpecError, "rows"),
        ('{"base": "wse2", "rows": "4"}', WaferSpecError, "rows"),
        ('{"base": "wse2", "colors": 0}', WaferSpecError, "colors"),
        ('{"base": "wse2", "lanes": {"fma": {"float32": 0}}}', WaferSpecError, "fma"),
        ('{"base": "wse2", "lanes": 3}', WaferSpecError, "lanes"),
        ('{"base": "wse2", "sources": 3}', WaferSpecError, "sources"),
        ('{"base": "wse2", "unsourced": ["x"]}', WaferSpecError, "unsourced"),
        ('{"base": 2}', WaferSpecError, "base"),
        ('{"base": "wse2", "functions": 3}', WaferSpecError, "functions"),
        ('{"base": "wse2", "library": 3}', WaferSpecError, "library"),
        ('{"base": "wse2", "library": {"exp": 3}}', WaferSpecError, "library.exp"),
        ('{"base": "wse2", "library": {"exp": {"float32": []}}}', WaferSpecError, "exp.float32"),
        ('{"base": "wse2", "library": {"exp": {"float32": {"low": 1}}}}', WaferSpecError, "cycles"),
        (
            '{"base": "wse2", "library": {"exp": {"float32": {"cycles": 5, "low": 6}}}}',
            WaferSpecError,
            "outside its range",
        ),
        (
            '{"base": "wse2", "library": {"exp": {"float32": {"cycles": 5, "evidence": []}}}}',
            WaferSpecError,
            "evidence",
        ),
        ('{"base": "wse2", "clock_hz": NaN}', WaferSpecError, "clock_hz"),
        ('{"rows": 100000, "cols": 100000, "clock_hz": 1}', WaferSpecError, "rows x cols"),
        ('{"base": "wse2", "rows": ' + "9" * 5000 + "}", MalformedFileError, "JSON"),
        ('{"base": "wse2", "rows": ' + "9" * 400 + "}", WaferSpecError, "rows"),
        ('{"base": "wse9"}', UnknownNameError, "wse9"),
        ('{"base": "wse2", "cycles_per_wavelet": null}', WaferSpecError, "cycles_per_wavelet"),
        ('{"base": "wse2", "products": 3}', WaferSpecError, "products"),
        ('{"base": "wse2", "products": ["vendor"]}', WaferSpecError, "products"),
        ('{"base": "wse2", "step_launch_cycles": null}', WaferSpecError, "step_launch_cycles"),
        ('{"base": "wse2", "kernels": 93}', WaferSpecError, "kernels"),
        ('{"base": "wse2", "kernels": {"star_begin": 93}}', WaferSpecError, "star_begin"),
        ('{"base": "wse2", "kernels": {"star_start": null}}', WaferSpecError, "star_start"),
        ('{"base": "wse2", "kernels": {"star_start": true}}', WaferSpecError, "star_start"),
    ],
)
def test_a_wrong_machine_file_is_refused_by_field(
    content: str, error: type[Exception], says: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.json"
    path.write_text(content)
    with pytest.raises(error, match=says):
        parse_wafer(str(path))

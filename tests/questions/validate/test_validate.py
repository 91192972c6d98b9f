"""The model against published figures; what it knows is the machine and the parameters alone."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import wse_emulator
from tests.questions.validate.class_errors import class_errors
from tests.questions.validate.whole import smallest_of_each_kernel, whole_report
from wse_emulator.questions.validate import Measurement, read_measurements, validate
from wse_emulator.questions.validate.accuracy import CLASS_ERRORS_FILE, class_error
from wse_emulator.questions.validate.calibration import coefficients_from
from wse_emulator.questions.validate.compare import METRICS, WHOLE_STEPS
from wse_emulator.questions.validate.operations import OPERATIONS
from wse_emulator.questions.validate.operations.decoder_layers import DECODER_LAYERS
from wse_emulator.questions.validate.operations.grid_products import GRID_PRODUCTS
from wse_emulator.questions.validate.operations.published import PUBLISHED
from wse_emulator.questions.validate.operations.rates import RATES
from wse_emulator.questions.validate.operations.scalar import SCALAR
from wse_emulator.questions.validate.operations.small_programs import SMALL_PROGRAMS
from wse_emulator.questions.validate.operations.vendor import VENDOR
from wse_emulator.wafer.kernel_cycles import DERIVATIONS, KERNEL_FIELDS


def test_every_published_record_is_compared_or_listed_with_a_reason() -> None:
    report, records = whole_report(), read_measurements()
    assert len(records) == 24 + 180
    assert len({record.id for record in records}) == len(records)
    listed = [one.record for one in report.comparisons]
    listed += [one for one, _ in report.not_modelled] + list(report.left_out)
    assert sorted(one.id for one in listed) == sorted(one.id for one in records)
    assert all(reason for _, reason in report.not_modelled)
    assert {one.operation for one in report.left_out} == set(WHOLE_STEPS)


def test_every_group_stays_within_its_lines() -> None:
    over = {
        one.group.name: (one.whole.mean_abs_error, one.whole.max_abs_error)
        for one in whole_report().groups()
        if one.whole and one.within is False
    }
    assert over == {}


@pytest.mark.parametrize(
    ("record", "cycles"),
    [
        ("reduce-two-phase-512-4096-g4", 9353),
        ("reduce-two-phase-512-4096-g256", 9983),
        ("vector-fmacs-5124", 5140),
        ("vector-fmacs-5124-conflict", 10264),
        ("gemm-16x12-768-768", 449_642),
        ("gemm-128x8-1024-1024", 148_742),
        ("stream-64-1024", 1280),
    ],
)
def test_modelled_cycles_are_those_of_the_rules(record: str, cycles: int) -> None:
    found = {c.record.id: c for c in whole_report().comparisons}
    assert found[record].modelled == cycles


def test_the_document_holds_every_record_and_sums_up_the_scored_ones() -> None:
    document: dict[str, Any] = whole_report().document()
    json.dumps(document, allow_nan=False)
    assert document["schema"] == "wse-validate/2"
    records = document["records"]
    assert len(records) == 24 + 180
    for record in records:
        if record["standing"] in ("not_modelled", "left_out"):
            assert (record["modelled"], record["error"]) == (None, None)
            assert record["reason"]
            continue
        error = (record["modelled"] - record["published"]) / record["published"]
        assert record["error"] == pytest.approx(error)
        assert (record["standing"] == "calibrates") <= bool(record["calibrates"])
    for name, one in document["scores"]["validation"].items():
        mine = [r for r in records if r["operation"] == name and r["standing"] == "scored"]
        errors = [abs(r["error"]) for r in mine]
        assert one["count"] == len(errors)
        assert one["mean_abs_error"] == pytest.approx(sum(errors) / len(errors))
        assert one["max_abs_error"] == pytest.approx(max(errors))
        nulls = [abs(r["null_error"]) for r in mine if r["null_error"] is not None]
        assert one["null_count"] == len(nulls)
        if nulls:
            assert one["null_mean_abs_error"] == pytest.approx(sum(nulls) / len(nulls))
    for group in document["groups"]:
        if group["scored"]:
            many = [one["count"] for one in group["operations"].values()]
            assert group["scored"]["count"] == sum(many)
    assert document["coefficients"] == list(KERNEL_FIELDS)


def test_a_record_beyond_the_line_of_its_group_is_marked() -> None:
    """The line of sums along a line of PEs is 5 %."""
    near, far = chain(value=56), chain(id="far", value=50)
    doubtful = chain(id="doubtful", value=50, contested="in doubt")
    report = validate([near, far, doubtful])
    assert [one.beyond_line for one in report.comparisons] == [False, True, False]
    (group,) = report.groups()
    assert group.within is False
    (alone,) = validate([near, doubtful]).groups()
    assert alone.within is True
    (none,) = validate([doubtful]).groups()
    assert (none.within, none.whole) == (None, None)


def test_what_was_taken_from_the_source_is_scored_apart() -> None:
    apart = {c.record.id for c in whole_report().comparisons if c.standing == "consistency"}
    assert apart == {
        c.record.id
        for c in whole_report().comparisons
        if c.record.source.startswith("FABRICA") and c.record.kind == "hardware"
    }
    assert set(whole_report().summary(consistency=True)) == {"vector_op", "stream"}


def test_nothing_is_looked_up() -> None:
    """Another id, source and note and 1.7 times the value: the model says the same."""
    known = {c.record.id: c for c in whole_report().comparisons}
    records = smallest_of_each_kernel()
    disguised = [
        replace(one, id=f"r{i}", value=1.7 * one.value, source="", note="", contested="")
        for i, one in enumerate(records)
    ]
    again = validate(disguised).comparisons
    assert len(again) == len(records)
    for one, record in zip(again, records, strict=True):
        before = known[record.id]
        assert one.modelled == before.modelled
        assert (one.error + 1) * 1.7 == pytest.approx(before.error + 1)
        assert one.standing in ("scored", "consistency")


def test_no_file_that_models_knows_a_record() -> None:
    """Ids of records stand with the sources of figures and coefficients, and nowhere else."""
    package = Path(wse_emulator.__file__).parent
    rooms = ("kernels", "questions", "activities.py", "engines", "lowering", "collectives")
    names = [record.id for record in read_measurements()]
    for file in sorted(package.rglob("*.py")):
        if file.relative_to(package).parts[0] in rooms:
            text = file.read_text(encoding="utf-8")
            assert [name for name in names if name in text] == [], file


def test_records_that_gave_a_coefficient_exist_and_are_not_scored() -> None:
    known = [record.id for record in read_measurements()]
    gave = {name: found for name in known if (found := coefficients_from(name))}
    assert {f"kernels.{name}" for name in KERNEL_FIELDS} <= {c for of in gave.values() for c in of}
    for derivation in DERIVATIONS.values():
        assert set(derivation.records) <= set(known)
    assert 0 < len(KERNEL_FIELDS) <= 20
    for one in whole_report().comparisons:
        assert one.calibrates == gave.get(one.record.id, ())
        assert one.standing != "scored" or not one.calibrates
    assert coefficients_from("cr16_allreduce_1d_P1") == ()


def test_contested_records_are_timed_and_not_scored() -> None:
    contested = [one for one in whole_report().comparisons if one.record.contested]
    for one in contested:
        assert one.standing == "contested"
        assert one.modelled > 0
    scored = sum(one.count for one in whole_report().summary(consistency=False).values())
    assert scored == sum(c.standing == "scored" for c in whole_report().comparisons)


def test_the_published_formula_is_near_the_simulation() -> None:
    bounded = [c for c in whole_report().comparisons if c.bound is not None]
    assert {c.record.operation for c in bounded} == {"reduce_1d", "allreduce_2d"}
    for comparison in bounded:
        assert comparison.bound is not None
        assert abs(comparison.bound - comparison.modelled) <= 0.05 * comparison.modelled


def test_every_metric_of_an_operation_is_known() -> None:
    assert {metric for one in OPERATIONS.values() for metric in one.metrics} <= set(METRICS)


def chain(**changes: object) -> Measurement:
    """A chain of 8 PEs that adds 16 wavelets, 58 cycles by the rules."""
    fields: dict[str, object] = {
        "id": "mine",
        "machine": "wse2",
        "kind": "simulator",
        "operation": "reduce_1d",
        "parameters": {"algorithm": "chain", "pes": 8, "wavelets": 16},
        "metric": "cycles",
        "value": 58,
        "unit": "cycles",
        "source": "by hand",
        "note": "",
    }
    return Measurement(**fields | changes)  # type: ignore[arg-type]


def test_a_record_of_ones_own() -> None:
    report = validate([chain()])
    assert report.comparisons[0].modelled == 16 + 6 * 7
    assert report.comparisons[0].error == 0
    assert [one.whole.count for one in report.groups() if one.whole] == [1]


def test_seconds_are_cycles_by_the_clock() -> None:
    seconds = chain(metric="seconds", unit="s", value=58 / 850e6)
    assert validate([seconds]).comparisons[0].error == pytest.approx(0)


@pytest.mark.parametrize(
    ("bound", "value", "error"),
    [
        ("lower", 29, 0.0),
        ("lower", 116, -0.5),
        ("upper", 29, 1.0),
        ("upper", 116, 0.0),
        ("", 29, 1.0),
        ("", 116, -0.5),
    ],
)
def test_a_bound_is_missed_on_one_side_alone(bound: str, value: float, error: float) -> None:
    one = validate([chain(bound=bound, value=value)]).comparisons[0]
    assert one.error == error
    assert one.modelled == 58


@pytest.mark.parametrize(
    ("named", "counted"),
    [
        (["", "a"], ["a"]),
        (["b", ""], ["b"]),
        (["", "a", "b"], ["a"]),
        (["b", "a"], ["a"]),
        (["a", ""], ["a", "b"]),
        (["elsewhere", ""], ["a", "b"]),
        (["b", "c", "b"], ["b"]),
    ],
)
def test_a_figure_counts_once(named: list[str], counted: list[str]) -> None:
    records = [chain(id=name, same_as=same_as) for name, same_as in zip("abc", named, strict=False)]
    report = validate(records)
    assert [c.record.id for c in report.comparisons if c.standing == "scored"] == counted
    assert report.summary()["reduce_1d"].count == len(counted)
    assert len(report.comparisons) == len(records)


def test_a_figure_whose_other_record_is_not_compared_still_counts() -> None:
    unknown = chain(id="a", operation="fft")
    report = validate([unknown, chain(id="b", same_as="a")])
    assert [c.standing for c in report.comparisons] == ["scored"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"machine": "wse9"}, "no preset 'wse9'"),
        ({"operation": "fft"}, "fft"),
        ({"operation": "fft", "parameters": {}, "metric": "furlongs"}, "fft"),
        ({"parameters": {"algorithm": "butterfly", "pes": 8, "wavelets": 4}}, "two_phase"),
        ({"operation": "gemm", "parameters": {"algorithm": "cannon"}}, "cannon"),
        ({"operation": "stream", "parameters": {"algorithm": "zigzag"}}, "zigzag"),
        (
            {"operation": "stream", "parameters": {"hops": 3, "wavelets": 4}},
            "metric cycles is not modelled",
        ),
        ({"metric": "elements_per_cycle"}, "metric elements_per_cycle is not modelled"),
        (
            {
                "operation": "vector_op",
                "parameters": {"op": "fft", "dtype": "float32", "elements": 3},
            },
            "op 'fft' is not modelled",
        ),
        (
            {
                "operation": "vector_op",
                "parameters": {"op": "add", "dtype": "float8", "elements": 3},
            },
            "float8",
        ),
        ({"operation": "cholesky", "parameters": {"n": 8}}, "not known"),
    ],
)
def test_what_has_no_mechanism_is_listed_and_stops_nothing(
    changes: dict[str, object], says: str
) -> None:
    report = validate([chain(**changes), chain(id="other")])
    assert [one.id for one, _ in report.not_modelled] == ["mine"]
    assert says in report.not_modelled[0][1]
    assert [one.record.id for one in report.comparisons] == ["other"]


def test_a_changed_figure_changes_what_is_modelled_and_stands_in_the_report() -> None:
    report = validate([chain()], set={"hop_cycles": 2})
    assert report.comparisons[0].modelled == 16 + 7 * 7
    assert report.document()["set"] == ["hop_cycles=2"]
    consistency = chain(id="b", machine="wse3", kind="hardware", operation="stream")
    moved = replace(
        consistency, parameters={"hops": 4, "wavelets": 9}, metric="cycles_beyond_zero_hops"
    )
    assert validate([moved], set=iter(["hop_cycles=3"])).comparisons[0].standing == "consistency"


def test_no_operation_is_modelled_by_two_families() -> None:
    families = (DECODER_LAYERS, GRID_PRODUCTS, PUBLISHED, RATES, SCALAR, SMALL_PROGRAMS, VENDOR)
    assert sum(map(len, families)) <= len(OPERATIONS)


def test_whole_steps_are_left_out_until_they_are_asked_for() -> None:
    step = chain(operation="train_step", metric="samples_per_second", unit="1/s")
    usual, asked = (validate([step, chain(id="b")], group=g) for g in ("operation", "training"))
    assert [one.id for one in usual.left_out] == ["mine"]
    assert [one.record.id for one in usual.comparisons] == ["b"]
    assert usual.not_modelled == ()
    assert [one.id for one in asked.left_out] == ["b"]
    assert [one.id for one, _ in asked.not_modelled] == ["mine"]


def test_errors_by_machine_and_by_kind() -> None:
    records = [chain(), chain(id="b", machine="wse3"), chain(id="c", kind="compile_report")]
    report = validate(records, group="machine")
    assert {name: one.count for name, one in report.summary(by="machine").items()} == {
        "wse2": 2,
        "wse3": 1,
    }
    assert set(report.summary(by="kind")) == {"simulator", "compile_report"}
    with pytest.raises(wse_emulator.InputError, match="colour"):
        validate(records, group="colour")  # type: ignore[arg-type]


def test_the_null_model_is_the_line_through_the_scored_records() -> None:
    """Lengths of vectors whose published cycles lie on a line that no machine has."""
    parameters = {"op": "add", "dtype": "float32"}

    def vector(elements: int, **changes: object) -> Measurement:
        fields = {
            "id": f"v{elements}",
            "operation": "vector_op",
            "parameters": parameters | {"elements": elements},
            "value": 100 + 3 * elements,
        }
        return chain(**fields | changes)

    contested = vector(400, contested="in doubt", value=1)
    report = validate([vector(10), vector(200), vector(3000), contested])
    (model,) = report.null_models
    assert (model.operation, model.size_words, model.count) == ("vector_op", "elements", 3)
    assert model.constant == pytest.approx(100)
    assert model.slope == pytest.approx(3)
    summary = report.summary()["vector_op"]
    assert summary.null_max_abs_error == pytest.approx(0, abs=1e-9)
    assert summary.null_is_nearer
    assert validate([vector(10), vector(200), contested]).null_models == ()
    alike = validate([vector(10, id=name) for name in "abc"])
    assert alike.null_models == ()


def test_the_errors_that_a_run_is_widened_by_are_those_of_the_records() -> None:
    text = files("wse_emulator.questions.validate").joinpath(CLASS_ERRORS_FILE).read_text("utf-8")
    remedy = "run: python -m tests.questions.validate.class_errors"
    assert json.loads(text) == class_errors(), remedy
    summary = whole_report().summary(consistency=False)
    names = ("vector_op", "reduce_1d", "allreduce_2d")
    assert all(class_error(name) == summary[name].max_abs_error for name in names)
    assert 0 < class_error("vector_op") < class_error("reduce_1d")
    assert class_error("never measured") == 0

"""A result in Python: it says itself, gives tables and pictures, is saved, explained, compared."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from types import ModuleType

import pytest
import torch
from matplotlib.figure import Figure

import optimizers
import wse_emulator
from tests.cli.command import wse
from tests.results.factory import tiny, too_large
from wse_emulator.errors import InputError, OutputError, ResultFileError, UnknownNameError
from wse_emulator.methods import save as save_module
from wse_emulator.report.folder import write_report
from wse_emulator.results.answer import Answer, DrawnAnswer, StepAnswer

CONFIG = "scenarios/run_configs/llama_7b.yaml"
PNG = b"\x89PNG"


@cache
def a_run(wafer: str = "wse2:8x8") -> wse_emulator.RunResult:
    return wse_emulator.run(torch.nn.Linear(40, 50), wafer=wafer)


@cache
def attached() -> wse_emulator.RunResult:
    model = torch.nn.Linear(40, 50)
    optimizer = optimizers.AdamW(model.parameters(), lr=1e-3)
    emulation = wse_emulator.attach(optimizer, wafer="wse2:8x8", model=model)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    result = emulation.result()
    emulation.detach()
    return result


@cache
def a_fit() -> wse_emulator.FitReport:
    return wse_emulator.fit(torch.nn.Linear(400, 400), wafer="wse2:2x2")


@cache
def a_check() -> wse_emulator.CheckReport:
    return wse_emulator.check(torch.optim.AdamW([torch.nn.Parameter(torch.zeros(3))]), steps=2)


@cache
def a_page() -> wse_emulator.Preflight:
    return wse_emulator.preflight(torch.nn.Linear(40, 50), wafer="wse2:8x8", lr=1e-3)


@cache
def an_explanation() -> wse_emulator.Explanation:
    return a_run().explain()


def a_comparison() -> wse_emulator.Comparison:
    return a_run().compare(a_run("wse2:6x6"))


@cache
def a_study() -> wse_emulator.Study:
    return wse_emulator.collective("all-reduce", rows=4, cols=6, wavelets=32)


@cache
def a_validation() -> wse_emulator.ValidationReport:
    from wse_emulator.questions.validate import read_measurements

    return wse_emulator.validate(read_measurements()[:2])


def rates() -> wse_emulator.LearningRates:
    return wse_emulator.schedule(Path(__file__).parents[2] / CONFIG, steps=50)


EACH: dict[str, Callable[[], Answer]] = {
    "run": a_run,
    "attach": attached,
    "fit": a_fit,
    "check": a_check,
    "preflight": a_page,
    "explain": an_explanation,
    "compare": a_comparison,
    "collective": a_study,
    "validate": a_validation,
    "schedule": rates,
}
each = pytest.mark.parametrize("name", EACH)


@each
def test_a_result_prints_in_a_few_sentences(name: str) -> None:
    answer = EACH[name]()
    said = repr(answer)
    assert said.startswith(f"<{type(answer).__name__}: ")
    assert len(said) < 1_500
    assert "\n" not in said
    assert str(answer).splitlines()[0].rstrip(".") in said
    assert not any(" at 0x" in text or "array(" in text for text in (said, str(answer)))


@each
def test_the_tables_of_a_result_are_rows_of_plain_values(name: str, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)  # as if it were not installed
    tables = EACH[name]().tables()
    assert tables
    for rows in tables.values():
        assert isinstance(rows, list)
        assert rows
        columns = list(rows[0])
        assert all(list(row) == columns for row in rows)
        values = [value for row in rows for value in row.values()]
        assert all(value is None or type(value) in (bool, int, float, str) for value in values)


def test_tables_are_data_frames_if_pandas_is_installed(monkeypatch) -> None:
    class DataFrame:
        def __init__(self, rows: list[tuple[object, ...]], columns: list[str]) -> None:
            self.rows, self.columns = rows, columns

    pandas = ModuleType("pandas")
    pandas.DataFrame = DataFrame  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    steps = a_run().tables()["steps"]
    assert isinstance(steps, DataFrame)
    assert steps.columns == ["step", "learning_rate", "cycles", "seconds"]
    (row,) = steps.rows
    assert row[2] == a_run().steps[0].cycles


@each
def test_a_result_is_copied_and_pickled(name: str) -> None:
    answer = EACH[name]()
    for again in (pickle.loads(pickle.dumps(answer)), copy.copy(answer), copy.deepcopy(answer)):
        assert type(again) is type(answer)
        assert repr(again) == repr(answer)
        assert again.document() == answer.document()


@each
def test_a_notebook_shows_a_card(name: str) -> None:
    answer = EACH[name]()
    card = answer._repr_html_()
    assert card.startswith("<p>")
    assert ('src="data:image/png;base64,' in card) == isinstance(answer, DrawnAnswer)


@pytest.mark.parametrize("name", sorted(EACH.keys() - {"attach"}))
def test_a_result_is_saved_whole_and_nothing_is_lost(
    name: str, tmp_path: Path, monkeypatch
) -> None:
    # all pictures of a report are drawn by its own tests
    monkeypatch.setattr(save_module, "write_report", partial(write_report, views=("memory",)))
    monkeypatch.setattr(save_module, "MEMORY_VIEWS", ("memory",))
    answer = EACH[name]()
    folder = tmp_path / "new" / "folder"
    written = answer.save(str(folder))
    assert sorted(written) == sorted(folder.iterdir())
    assert any(path.suffix == ".json" for path in written)
    with pytest.raises(OutputError, match="force=True"):
        answer.save(folder)
    if name == "check":  # the others draw pictures again
        assert len(answer.save(folder, force=True)) == len(written)
    with pytest.raises(OutputError, match="folder"):
        answer.save(5)  # type: ignore[arg-type]
    with pytest.raises(OutputError, match="folder"):
        answer.save("")


@each
def test_every_picture_of_a_result_is_drawn_by_name(name: str) -> None:
    answer = EACH[name]()
    if not isinstance(answer, DrawnAnswer):
        assert not hasattr(answer, "figure")
        return
    with pytest.raises(UnknownNameError, match="no picture is called 'memry'") as raised:
        answer.figure("memry")
    views = str(raised.value).rpartition("has: ")[2].split(", ")
    for view in views[-1:]:  # the others are drawn by the tests of the pictures
        figure = answer.figure(view, style="dark")
        assert isinstance(figure, Figure)
        assert figure._repr_png_().startswith(PNG)
    if len(views) == 1:
        assert isinstance(answer.figure(), Figure)
    else:
        with pytest.raises(UnknownNameError, match="name a picture"):
            answer.figure()
    with pytest.raises(UnknownNameError, match="style"):
        answer.figure(views[0], style="grey")  # type: ignore[arg-type]


def test_a_figure_keeps_its_style_where_it_is_drawn(tmp_path: Path) -> None:
    """Ticks that matplotlib makes as it draws have the colours of the style too."""
    figure = tiny().figure("memory", style="dark")
    figure.savefig(tmp_path / "memory.png")
    shown = figure.axes[0].get_xticklabels()[0]
    assert shown.get_color() == "#ECECEC"


def test_an_animation_is_no_figure() -> None:
    with pytest.raises(UnknownNameError, match=r"wse_emulator\.plot"):
        a_run().figure("replay")


def test_the_result_says_what_the_command_prints(tmp_path: Path) -> None:
    path = tmp_path / "shapes.json"
    path.write_text('[["w", [40, 50], "float32"]]')
    for name, asked in {
        "run": wse_emulator.run,
        "fit": wse_emulator.fit,
        "explain": wse_emulator.explain,
    }.items():
        printed = wse(name, str(path), "--wafer", "wse2:4x4").output
        said = str(asked(path, wafer="wse2:4x4"))
        assert " ".join(printed.split()).startswith(" ".join(said.split()))


@pytest.mark.parametrize("name", ["run", "attach", "fit", "preflight"])
def test_a_step_is_explained_although_its_model_is_an_object(name: str) -> None:
    answer = EACH[name]()
    assert isinstance(answer, StepAnswer)
    if name == "fit":
        with pytest.raises(wse_emulator.DoesNotFitError):
            answer.explain()
        return
    told: list[str] = []
    found = answer.explain(tell=told.append)
    assert found.cycles == a_run().steps[0].cycles
    assert len(told) > 10
    with pytest.raises(InputError, match="object"):
        pickle.loads(pickle.dumps(answer)).explain()


def test_a_copy_is_explained_by_its_question(tmp_path: Path) -> None:
    path = tmp_path / "shapes.json"
    path.write_text('[["w", [40, 50], "float32"]]')
    result = wse_emulator.run(path, optimizer="SGD", lr=0.1, wafer="wse2:4x4")
    assert copy.copy(result).explain().cycles == result.steps[0].cycles


def test_results_are_compared_in_memory_and_from_a_folder(tmp_path: Path) -> None:
    before, after = a_run(), a_run("wse2:6x6")
    comparison = before.compare(after)
    assert comparison.document()["same_wafer"] is False
    assert wse_emulator.compare(before, after) == comparison
    a_fit().save(tmp_path)
    assert a_fit().compare(tmp_path).settings == ()
    assert before.compare(a_fit()).totals[0].after == a_fit().model.parameters
    with pytest.raises(InputError, match="no result"):
        before.compare(a_check())  # type: ignore[arg-type]
    with pytest.raises(ResultFileError):
        before.compare(tmp_path / "none")
    with pytest.raises(InputError, match="schedule"):
        rates().compare(before)  # type: ignore[arg-type]


def test_a_picture_is_written_where_plot_is_told(tmp_path: Path) -> None:
    target = tmp_path / "memory.svg"
    assert wse_emulator.plot(a_run(), "memory", out=target) == target
    assert target.read_bytes().startswith(b"<?xml")
    with pytest.raises(OutputError, match="exists"):
        wse_emulator.plot(a_run(), "memory", out=target)
    assert wse_emulator.plot(a_run(), "memory", out=tmp_path / "m.csv").read_text().count("\n") > 3
    assert isinstance(wse_emulator.plot(a_fit(), "wafer"), Figure)
    assert isinstance(wse_emulator.plot(rates()), Figure)
    with pytest.raises(OutputError, match=r"\.gif, \.mp4"):
        wse_emulator.plot(a_run(), "replay", out=tmp_path / "r.png")


def test_a_schedule_is_laid_over_another() -> None:
    both = wse_emulator.schedule(CONFIG, steps=50, compare=CONFIG)
    assert both.beside is not None
    assert both.document()["compare"] == rates().document() | {
        "source": CONFIG,
        "request": {"config": CONFIG, "steps": 50},
    }


def test_a_long_schedule_has_a_table_of_some_steps() -> None:
    long = wse_emulator.schedule(CONFIG)
    assert long.steps > 1_000_000
    rows = long.tables()["rates"]
    assert isinstance(rows, list)
    assert 90_000 < len(rows) <= 100_100
    assert rows[-1]["step"] == long.steps - 1


def test_a_lever_stands_on_the_card_of_what_does_not_fit() -> None:
    lost = too_large()
    assert lost.levers[0].what in lost._repr_html_()
    assert "What would help" in str(lost)
    assert "What would help" in str(wse_emulator.run(torch.nn.Linear(400, 400), wafer="wse2:2x2"))


@pytest.mark.parametrize("wafer", ["wse2:1x1", "wse2:2x2"], ids=["does not fit", "fits"])
def test_a_saved_fit_is_read_again(wafer: str, tmp_path: Path) -> None:
    report = wse_emulator.fit(torch.nn.Linear(100, 100), wafer=wafer)
    report.save(tmp_path / "fit")
    again = wse_emulator.read_run(tmp_path / "fit")
    assert (again.fits, again.steps, again.model.parameters) == (report.fits, (), 10_100)

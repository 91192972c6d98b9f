"""The report folder: complete, whole, self-contained, light."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.results.factory import gpt2_xl_like, make_result, tiny, too_large
from wse_emulator.errors import OutputError
from wse_emulator.report.folder import report_names, write_report
from wse_emulator.report.page import html_report, pack_map
from wse_emulator.results.files import read_run, run_document
from wse_emulator.views.catalog import VIEWS
from wse_emulator.views.page import render
from wse_emulator.views.style import LIGHT


def test_a_report_holds_every_file_and_reads_back(tmp_path: Path) -> None:
    result = make_result(rows=20, cols=16, layers=3, tensors_per_layer=3)
    told: list[str] = []
    paths = write_report(result, tmp_path, tell=told.append)
    assert sorted(p.name for p in paths) == sorted(report_names())
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(report_names())
    back = read_run(tmp_path)
    assert back.wall_seconds.report > 0
    document = {**run_document(back), "wall_seconds": None}
    assert document == {**run_document(result), "wall_seconds": None}
    assert told == ["trace.json", *VIEWS, "report.html"]


def test_an_existing_file_stops_the_report_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "wafer.svg").write_text("mine")
    with pytest.raises(OutputError, match="--force"):
        write_report(tiny(), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["wafer.svg"]
    (tmp_path / "notes.txt").write_text("mine")
    write_report(tiny(), tmp_path, force=True, views=["wafer"])
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "wafer.svg").read_text() != "mine"


@pytest.mark.parametrize("view", [name for name, view in VIEWS.items() if view.table])
def test_the_data_beside_a_picture(view: str) -> None:
    table_of = VIEWS[view].table
    assert table_of is not None
    for result in (make_result(rows=9, cols=7, layers=3, tensors_per_layer=2), too_large()):
        table = table_of(result)
        rows = list(csv.DictReader(table.csv().decode().splitlines()))
        assert len(rows) == len(table.rows)
        assert all(tuple(row) == table.columns for row in rows)


def test_data_agree_with_the_result() -> None:
    result = make_result(rows=9, cols=7, layers=3, tensors_per_layer=2)
    tables = {name: view.table(result) for name, view in VIEWS.items() if view.table}
    spans = [(row[2], row[3]) for row in tables["timeline"].rows]
    assert spans == [(t.start_cycle, t.end_cycle) for t in result.tensors]
    assert sum(int(row[3] or 0) for row in tables["time"].rows) == sum(
        op.pe_cycles for op in result.ops
    )
    assert sum(int(row[2] or 0) for row in tables["memory"].rows) == result.memory.peak_bytes
    assert tables["pe-curve"].rows[-1] == (
        100,
        int(result.arrays.sram_peak.max()),
        int(result.arrays.pe_busy.max()),
    )
    assert {row[0]: row[2] for row in tables["links"].rows} == dict(
        zip("EWSND", result.arrays.link_busy.sum(axis=(1, 2)).tolist(), strict=True)
    )


def page_of(result_of: str) -> str:
    result = {"fits": tiny, "not": too_large, "large": gpt2_xl_like}[result_of]()
    pictures = {"memory": render(VIEWS["memory"].figure(result, LIGHT), LIGHT)}
    return html_report(result, pictures).decode()


@pytest.mark.parametrize("case", ["fits", "not", "large"])
def test_the_page_needs_no_network_and_is_light(case: str) -> None:
    page = page_of(case)
    assert len(page.encode()) < 5_000_000
    links = re.findall(r"""(?:src|href)\s*=\s*["']?([^"'>\s]+)|url\(([^)]*)\)|@import""", page)
    assert all(a.startswith(("data:", "#")) for a, b in links if not b)
    assert not re.search(r"\bfetch\(|XMLHttpRequest|{{\w+}}", page)


def test_the_page_leads_with_verdict_and_step_time() -> None:
    page = page_of("fits")
    assert page.index('id="verdict"') < page.index('id="step-time"') < page.index("<main>")
    step = tiny().steps[-1]
    assert f"{step.cycles:,} cycles" in page


def test_a_page_of_a_model_that_does_not_fit_names_the_levers_first() -> None:
    page = page_of("not")
    assert "Does not fit" in page[: page.index("<main>")]
    levers = page[page.index('id="levers"') : page.index("<main>")]
    assert levers.index("SGD") < levers.index("bfloat16")


def test_names_cannot_break_the_page() -> None:
    import dataclasses

    result = tiny()
    evil = '</script><img src=x onerror=alert(1)>"'
    tensors = tuple(dataclasses.replace(t, name=evil, layer=evil) for t in result.tensors)
    result = dataclasses.replace(
        result,
        tensors=tensors,
        command=evil,
        model=dataclasses.replace(result.model, name=evil),
        layers=((evil, result.layers[0][1]),),
    )
    page = html_report(result, {}).decode()
    assert "<img src=x" not in page
    assert page.count("</script>") == 2
    data = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    assert json.loads(data[1])["tensors"][0][0] == evil


def test_a_map_of_noise_is_reduced_until_it_fits() -> None:
    noise = np.random.default_rng(0).integers(0, 2**30, (300, 200))
    packed, side = pack_map(noise, "max", budget=60_000)
    assert side == 4
    assert len(packed) <= 60_000
    assert pack_map(np.zeros((300, 200), dtype=np.int64), "max")[1] == 1

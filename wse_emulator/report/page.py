"""The page of the report: one HTML file that needs no network."""

from __future__ import annotations

import base64
import html
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Final, Literal

import matplotlib as mpl
import numpy as np

from wse_emulator.report.tables import number_list, sortable_table
from wse_emulator.results import answers
from wse_emulator.results.run import RunResult
from wse_emulator.results.words import full_bytes, plural, rate_text, seconds, share
from wse_emulator.views.blocks import reduce_blocks
from wse_emulator.views.catalog import VIEWS
from wse_emulator.views.style import FIELD_MAP
from wse_emulator.views.table import Table
from wse_emulator.wafer.arrays import IntArray

MAP_BUDGET: Final = 1_000_000  # bytes of one packed map; the report stays under 5 MB
_SECTIONS: Final = {
    "numbers": "numbers",
    "map": "wafer",
    "zoom": "timeline",
    "pictures": "pictures",
    "tables": "tables",
    "assumptions": "assumptions",
    "repeat": "repeat",
}

_STEP_SECTION: Final = "zoom"
"""The section that a page without a step hides."""


def html_report(result: RunResult, pictures: Mapping[str, bytes]) -> bytes:
    """Make the whole page.

    Args:
        pictures: name of a view -> PNG, in the order in which they are shown.
    """
    parts = {
        "title": f"{result.model.name}, {result.optimizer.name}, {result.wafer.name}",
        "headline": answers.about(result),
        "verdict": answers.verdict(result),
        "verdict_class": "good" if result.fits else "bad",
        "step_time": answers.step_time(result),
        "bottleneck": answers.bottleneck(result),
    }
    parts = {name: html.escape(text) for name, text in parts.items()}
    parts |= {
        "levers": _levers(result),
        "navigation": " ".join(
            f'<a href="#{key}">{word}</a>'
            for key, word in _SECTIONS.items()
            if result.steps or key != _STEP_SECTION
        ),
        "numbers": _numbers(result),
        "pictures": "".join(_picture(name, png) for name, png in pictures.items()),
        "tables": _tables(result),
        "assumptions": _assumptions(result),
        "repeat": _repeat(result),
        "data": _data(result),
        "css": _part("report.css"),
        "script": _part("report.js"),
    }
    page = re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _part("report.html"))
    return page.encode()


def pack_map(
    field: IntArray, how: Literal["max", "mean"], budget: int = MAP_BUDGET
) -> tuple[str, int]:
    """Pack an array of the whole wafer into text for the page; returns it and the side of its
    blocks.

    The text is the base64 of compressed 32-bit whole numbers. It has every PE if that fits into
    ``budget`` bytes; else blocks of PEs, whose side is doubled until it fits.
    """
    side = 1
    while True:
        cells = field if side == 1 else np.rint(reduce_blocks(field, side, how))
        packed = base64.b64encode(zlib.compress(cells.astype("<i4").tobytes(), 9)).decode()
        if len(packed) <= budget or max(cells.shape) <= 1:
            return packed, side
        side *= 2


def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _levers(result: RunResult) -> str:
    if result.fits:
        return ""
    if not result.levers:
        return "<p>To see what would make it fit, run <code>wse fit</code> with the same words.</p>"
    items = "".join(
        f"<li>{html.escape(answers.lever_words(lever))}"
        f"{f'<br><code>{html.escape(lever.command)}</code>' if lever.command else ''}</li>"
        for lever in answers.best_levers(result, len(result.levers))
    )
    return f'<p>What would make room, most first:</p><ol class="levers" id="levers">{items}</ol>'


def _numbers(result: RunResult) -> str:
    wafer, use, memory = result.wafer, result.utilization, result.memory
    rows: list[tuple[str, str, str]] = []
    if result.steps:
        step = result.steps[-1]
        rows += [
            ("step", f"{step.cycles:,} cycles", "cycles"),
            ("", seconds(step.seconds), "seconds"),
            ("learning rate", rate_text(step.learning_rate), "learning-rate"),
            ("PEs busy", share(use.pe_busy), "pe-busy"),
            ("links busy", share(use.link_busy), "link-busy"),
        ]
    rows += [
        (
            "fullest PE",
            f"{memory.peak_bytes:,} of {full_bytes(memory.capacity_bytes)}",
            "peak-bytes",
        ),
        ("mean PE", full_bytes(memory.mean_bytes), "mean-bytes"),
        ("model", plural(result.model.parameters, "parameter"), "parameters"),
        ("", plural(result.model.tensors, "tensor"), "tensors"),
        ("wafer", f"{wafer.rows:,} rows x {wafer.cols:,} columns", "wafer"),
        ("clock", f"{wafer.clock_hz / 1e6:,.0f} MHz", "clock"),
        ("engine", result.engine, "engine"),
        ("mode", result.mode, "mode"),
    ]
    return number_list(rows)


def _picture(name: str, png: bytes) -> str:
    view = VIEWS[name]
    encoded = base64.b64encode(png).decode()
    data = f"{name}.csv" if view.table else "run.npz"
    return (
        f'<figure id="picture-{name}"><img alt="{html.escape(view.question)}" '
        f'src="data:image/png;base64,{encoded}"><figcaption>Picture: {name}.png; its data: '
        f"{data}, in the folder of this report.</figcaption></figure>"
    )


def _tables(result: RunResult) -> str:
    tensors = Table(
        ("tensor", "layer", "shape", "start_cycle", "end_cycle", "ops", "pe_cycles", "strip"),
        tuple(
            (
                t.name,
                t.layer,
                " x ".join(map(str, t.shape)) or "scalar",
                t.start_cycle,
                t.end_cycle,
                t.ops,
                t.pe_cycles,
                t.strip_elements,
            )
            for t in result.tensors
        ),
    )
    ops = Table(
        ("op", "phase", "count", "pe_cycles", "counted_pe_cycles", "unsourced_pe_cycles"),
        tuple(
            (o.name, o.phase, o.count, o.pe_cycles, o.counted_pe_cycles, o.unsourced_pe_cycles)
            for o in result.ops
        ),
    )
    return "".join(
        sortable_table(title, key, table)
        for title, key, table in (
            ("Tensors", "tensors", tensors),
            ("Kinds of op", "ops", ops),
            ("Layers and their rectangles", "layers", _regions(result)),
        )
        if table.rows
    )


def _regions(result: RunResult) -> Table:
    rows: list[tuple[str | int | float | None, ...]] = []
    for name, (row, col, height, width) in result.layers:
        area = np.s_[row : row + height, col : col + width]
        busy, peak = result.arrays.pe_busy[area], result.arrays.sram_peak[area]
        pes = height * width
        rows.append(
            (name, row, col, height, width, pes, int(peak.max()), int(busy.max()), int(busy.sum()))
        )
    columns = ("layer", "row", "col", "rows", "cols", "pes")
    return Table((*columns, "peak_bytes", "most_busy_cycles", "pe_cycles"), tuple(rows))


def _assumptions(result: RunResult) -> str:
    said = [
        answers.evidence_words(result),
        answers.timed(result),
        answers.config_left_out(result.config_unused),
    ]
    items = [*filter(None, said), *result.notes, *result.assumptions]
    sources = "<p><code>wse wafers</code> lists every figure of the machine with its source.</p>"
    return f"<ul>{''.join(f'<li>{html.escape(item)}</li>' for item in items)}</ul>{sources}"


def _repeat(result: RunResult) -> str:
    digest = f"<p>Digest of all times: <code>{result.digest}</code></p>" if result.digest else ""
    return (
        f'<pre id="command">{html.escape(result.command) or "from Python"}</pre>{digest}'
        f"<p>{answers.repeatable(result)} Beside this file: "
        "<code>run.json</code>, <code>run.npz</code>, and <code>trace.json</code>, which "
        "ui.perfetto.dev opens.</p>"
    )


def _data(result: RunResult) -> str:
    last = answers.elapsed(result)
    fields: list[tuple[str, str, IntArray, Literal["max", "mean"], int]] = [
        ("peak SRAM", "bytes", result.arrays.sram_peak, "max", result.memory.capacity_bytes)
    ]
    if last:
        fields.append(("busy", "cycles", result.arrays.pe_busy, "mean", last))
    maps = []
    for name, unit, field, how, top in fields:
        packed, side = pack_map(field, how)
        entry = {"name": name, "unit": unit, "how": how, "top": top, "side": side, "packed": packed}
        maps.append(entry)
    document = {
        "wafer": {
            "rows": result.wafer.rows,
            "cols": result.wafer.cols,
            "clock_hz": result.wafer.clock_hz,
        },
        "cycles": last,
        "layers": result.layers,
        "tensors": [(t.name, t.layer, t.start_cycle, t.end_cycle) for t in result.tensors],
        "maps": maps,
        "colours": _colours(),
    }
    # "</script>" in a name must not end the element
    return json.dumps(document, separators=(",", ":")).replace("<", "\\u003c")


def _colours() -> Sequence[Sequence[int]]:
    table = mpl.colormaps[FIELD_MAP](np.linspace(0, 1, 9))[:, :3]
    return [[round(255 * float(part)) for part in colour] for colour in table]

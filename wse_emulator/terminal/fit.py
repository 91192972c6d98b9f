"""What ``wse fit`` prints: the verdict, then tables."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wse_emulator.results.fit import BatchFacts, FitReport, WeightServer

LAYERS_SHOWN = 8


def fit_tables(report: FitReport) -> Iterator[Table]:
    """Terms, spread over PEs, fullest PEs, layers, levers, optimizers: those that have rows."""
    yield categories(report)
    if report.batch is not None:
        yield batch(report.batch)
    if report.weight_server is not None:
        yield server(report.weight_server)
    yield spread(report)
    yield fullest(report)
    yield layers(report)
    if report.levers:
        yield levers(report)
    if report.optimizers:
        yield optimizers(report)


def _table(title: str, *columns: str) -> Table:
    """A table whose first column is text and whose others are numbers."""
    table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", overflow="fold")
    return table


def categories(report: FitReport) -> Table:
    """What the bytes are: over all PEs, and in the fullest one."""
    table = _table("What fills the SRAM", "", "all PEs, bytes", "share", "fullest PE, bytes")
    total = report.bytes["total"]
    fullest_pe = report.worst[0].by_category
    for name, held in report.bytes.items():
        if name == "total":
            table.add_section()
        here = report.pe.peak_bytes if name == "total" else fullest_pe[name]
        table.add_row(
            name.replace("_", " "), f"{held:,}", f"{held / max(1, total):.1%}", f"{here:,}"
        )
    return table


def batch(facts: BatchFacts) -> Table:
    """What activations were counted for."""
    table = _table("Samples", "", "")
    auto = dict.fromkeys(facts.chosen, " (chosen)")
    rows = [
        ("batch", f"{facts.batch_size:,}"),
        ("tokens a sample", "-" if facts.sequence_length is None else f"{facts.sequence_length:,}"),
        (f"micro-batch{auto.get('micro_batch', '')}", f"{facts.micro_batch:,}"),
        (f"recomputation{auto.get('recompute', '')}", facts.recompute),
        ("samples in flight, first layer", f"{facts.samples_in_flight:,}"),
        ("saved tensors of a sample, bytes", f"{facts.bytes_per_sample:,}"),
    ]
    for row in rows:
        table.add_row(*row)
    return table


def server(facts: WeightServer) -> Table:
    """What the weight server keeps and moves, and what fills the wafer meanwhile."""
    table = _table("Weight streaming", "", "bytes")
    for name, held in facts.wafer_terms.items():
        table.add_row(Text(f"wafer: {name}"), f"{held:,}")
    table.add_section()
    for name, held in facts.bytes.items():
        table.add_row(f"server: {name.replace('_', ' ')}", f"{held:,}")
    table.add_section()
    table.add_row("link, to the wafer a step", f"{facts.bytes_in:,}")
    table.add_row("link, from the wafer a step", f"{facts.bytes_out:,}")
    table.caption = (
        f"{facts.link_seconds:.2f} s a step at {facts.link_bytes_per_second / 1e9:g} GB/s each way"
    )
    table.caption_justify = "left"
    return table


def spread(report: FitReport) -> Table:
    """How the bytes spread over the PEs."""
    pe = report.pe
    table = _table(f"Bytes a PE, of {pe.capacity_bytes:,}", "", "bytes", "share")
    rows = [(f"{point} % of PEs hold at most", pe.percentiles[point]) for point in pe.percentiles]
    for label, held in [*rows, ("mean (the least possible peak)", round(pe.mean_bytes))]:
        table.add_row(label, f"{held:,}", f"{held / pe.capacity_bytes:.1%}")
    table.caption = (
        f"{pe.used:,} PEs used; {pe.near_limit:,} over 95 % full, {pe.over_limit:,} over capacity"
    )
    table.caption_justify = "left"
    return table


def fullest(report: FitReport) -> Table:
    """The fullest PE of each of the fullest rectangles, with its largest tensors."""
    table = _table("Fullest PEs", "row, col", "bytes", "largest holders (bytes)")
    table.columns[2].justify = "left"
    for pe in report.worst:
        held = ", ".join(f"{entry.name} {entry.bytes:,}" for entry in pe.held[:3])
        table.add_row(f"{pe.row}, {pe.col}", f"{pe.bytes:,}", Text(held))
    return table


def layers(report: FitReport) -> Table:
    """The layers with the most bytes."""
    table = _table("Largest layers", "layer", "rows x cols", "bytes", "fullest PE")
    ranked = sorted(report.layers, key=lambda layer: -sum(layer.bytes.values()))
    for layer in ranked[:LAYERS_SHOWN]:
        _, _, rows, cols = layer.region
        table.add_row(
            Text(layer.name),
            f"{rows} x {cols}",
            f"{sum(layer.bytes.values()):,}",
            f"{layer.peak_bytes:,}",
        )
    if len(ranked) > LAYERS_SHOWN:
        table.caption = f"{len(ranked) - LAYERS_SHOWN} smaller ones left out; all are in the JSON"
        table.caption_justify = "left"
    return table


def levers(report: FitReport) -> Table:
    """What would help."""
    table = _table("Levers, each planned again", "change", "saves on the fullest PE", "then fits")
    for lever in report.levers:
        table.add_row(
            Text(f"{lever.what} ({' '.join(lever.arguments)})"),
            f"{lever.saves_bytes:,}",
            "yes" if lever.fits else "no",
        )
    return table


def optimizers(report: FitReport) -> Table:
    """Every optimizer: fits or not."""
    table = _table("Optimizers", "optimizer", "state, bytes", "fullest PE", "over by", "fits")
    for row in report.optimizers:
        if row.refused:
            table.add_row(row.optimizer, "-", "-", "-", "refused")
            continue
        table.add_row(
            row.optimizer,
            f"{row.state_bytes:,}",
            f"{row.peak_bytes:,}",
            f"{row.gap_bytes:,}",
            "yes" if row.fits else "no",
        )
    return table


def print_report(report: FitReport) -> None:
    """The verdict in words, then the tables."""
    console = Console(soft_wrap=False)
    lines = [report.verdict, report.inequality]
    if report.mode_reason:
        lines.append(f"Mode: {report.mode}, since {report.mode_reason}.")
    if report.solution is not None:
        lines.append(f"Solved: {report.solution.sentence}.")
    for line in (*lines, *(f"Note: {note}." for note in report.notes)):
        console.print(line, highlight=False, markup=False)
    for table in fit_tables(report):
        console.print()
        console.print(table)

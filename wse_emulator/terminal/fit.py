"""What ``wse fit`` prints: the verdict, then tables."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from wse_emulator.results.fit import BatchFacts, FitReport, WeightServer
from wse_emulator.results.fit_answers import (
    fit_lever,
    fit_paragraphs,
    layers_left_out,
    link_time,
    pes_near_the_limit,
)
from wse_emulator.results.words import full_bytes, share
from wse_emulator.terminal.say import say, show, table

LAYERS_SHOWN = 8


def fit_tables(report: FitReport) -> Iterator[Table]:
    """The tables of a fit; those without rows are not printed."""
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


def categories(report: FitReport) -> Table:
    """The bytes of each category, over all PEs and in the fullest PE."""
    shown = table("What fills the SRAM", "", "all PEs, bytes", "share", "fullest PE, bytes")
    total = report.bytes["total"]
    fullest_pe = report.worst[0].by_category
    for name, held in report.bytes.items():
        if name == "total":
            shown.add_section()
        here = report.pe.peak_bytes if name == "total" else fullest_pe[name]
        shown.add_row(name.replace("_", " "), f"{held:,}", share(held / max(1, total)), f"{here:,}")
    return shown


def batch(facts: BatchFacts) -> Table:
    """The samples and layers for which activations were counted."""
    shown = table("Samples", "", "")
    auto = dict.fromkeys(facts.chosen, " (chosen)")
    rows = [
        ("batch", f"{facts.batch_size:,}"),
        (
            "tokens per sample",
            "-" if facts.sequence_length is None else f"{facts.sequence_length:,}",
        ),
        (f"micro-batch{auto.get('micro_batch', '')}", f"{facts.micro_batch:,}"),
        (f"recomputation{auto.get('recompute', '')}", facts.recompute),
        ("samples in flight, first layer", f"{facts.samples_in_flight:,}"),
        ("saved tensors per sample, bytes", f"{facts.bytes_per_sample:,}"),
    ]
    for row in rows:
        shown.add_row(*row)
    return shown


def server(facts: WeightServer) -> Table:
    """The bytes that the weight server keeps and moves, and those on the wafer meanwhile."""
    shown = table("Weight streaming", "", "bytes", caption=link_time(facts))
    for name, held in facts.wafer_terms.items():
        shown.add_row(f"wafer: {name}", f"{held:,}")
    shown.add_section()
    for name, held in facts.bytes.items():
        shown.add_row(f"server: {name.replace('_', ' ')}", f"{held:,}")
    shown.add_section()
    shown.add_row("link, to the wafer per step", f"{facts.bytes_in:,}")
    shown.add_row("link, from the wafer per step", f"{facts.bytes_out:,}")
    return shown


def spread(report: FitReport) -> Table:
    """How many bytes the PEs hold, by percentile."""
    pe = report.pe
    title = f"Bytes per PE, of {full_bytes(pe.capacity_bytes)}"
    shown = table(title, "", "bytes", "share", caption=pes_near_the_limit(pe))
    named = {"0": "emptiest PE", "100": "fullest PE"}
    rows = [
        (named.get(point, f"{point} % of PEs hold at most"), held)
        for point, held in pe.percentiles.items()
    ]
    for label, held in [*rows, ("mean (the least possible peak)", round(pe.mean_bytes))]:
        shown.add_row(label, f"{held:,}", share(held / pe.capacity_bytes))
    return shown


def fullest(report: FitReport) -> Table:
    """The fullest PE of each of the fullest rectangles, with its largest tensors."""
    holders = "largest holders (bytes)"
    shown = table("Fullest PEs", "row, col", "bytes", holders, words=("row, col", holders))
    for pe in report.worst:
        held = ", ".join(f"{entry.name} {entry.bytes:,}" for entry in pe.held[:3])
        shown.add_row(f"{pe.row}, {pe.col}", f"{pe.bytes:,}", held)
    return shown


def layers(report: FitReport) -> Table:
    """The layers with the most bytes."""
    ranked = sorted(report.layers, key=lambda layer: -sum(layer.bytes.values()))
    caption = layers_left_out(len(ranked) - LAYERS_SHOWN)
    headings = ("layer", "rows x cols", "bytes", "fullest PE")
    shown = table("Largest layers", *headings, caption=caption)
    for layer in ranked[:LAYERS_SHOWN]:
        _, _, rows, cols = layer.region
        shown.add_row(
            layer.name,
            f"{rows} x {cols}",
            f"{sum(layer.bytes.values()):,}",
            f"{layer.peak_bytes:,}",
        )
    return shown


def levers(report: FitReport) -> Table:
    """Each lever with what it saves and what to add to the command."""
    shown = table(
        "Levers, each planned again", "change", "saves in the fullest PE, bytes", "then fits"
    )
    for lever in report.levers:
        shown.add_row(
            fit_lever(lever),
            f"{lever.saves_bytes:,}",
            "yes" if lever.fits else "no",
        )
    return shown


def optimizers(report: FitReport) -> Table:
    """Every optimizer, and whether the model fits with it."""
    shown = table(
        "Optimizers", "optimizer", "state, bytes", "fullest PE, bytes", "over by, bytes", "fits"
    )
    for row in report.optimizers:
        if row.refused:
            shown.add_row(row.optimizer, "-", "-", "-", "refused")
            continue
        shown.add_row(
            row.optimizer,
            f"{row.state_bytes:,}",
            f"{row.peak_bytes:,}",
            f"{row.gap_bytes:,}",
            "yes" if row.fits else "no",
        )
    return shown


def print_report(report: FitReport) -> None:
    """Print the answer in words, then the tables."""
    say(*fit_paragraphs(report))
    show(*fit_tables(report))

"""The tables of a fit: bytes by category, layer and PE, levers, and the optimizers judged."""

from __future__ import annotations

from collections.abc import Mapping

from wse_emulator.methods.run_rows import lever_rows
from wse_emulator.results.fit import FitReport
from wse_emulator.views.table import Table


def fit_rows(report: FitReport) -> Mapping[str, Table]:
    """The tables of a fit by name."""
    fullest = report.worst[0].by_category
    memory = (
        (name, held, fullest.get(name, 0)) for name, held in report.bytes.items() if name != "total"
    )
    layers = (
        (layer.name, *layer.region, sum(layer.bytes.values()), layer.peak_bytes)
        for layer in report.layers
    )
    pes = (
        (pe.row, pe.col, pe.layer, pe.bytes, held.name, held.bytes)
        for pe in report.worst
        for held in pe.held
    )
    optimizers = (
        (row.optimizer, row.fits, row.state_bytes, row.peak_bytes, row.gap_bytes, row.refused)
        for row in report.optimizers
    )
    return {
        "memory": Table(("category", "wafer_bytes", "fullest_pe_bytes"), tuple(memory)),
        "layers": Table(
            ("layer", "row", "col", "rows", "cols", "bytes", "fullest_pe_bytes"), tuple(layers)
        ),
        "fullest_pes": Table(
            ("row", "col", "layer", "pe_bytes", "holder", "holder_bytes"), tuple(pes)
        ),
        "percentiles": Table(
            ("percentile", "pe_bytes"),
            tuple((float(point), held) for point, held in report.pe.percentiles.items()),
        ),
        "levers": lever_rows(report.levers),
        "optimizers": Table(
            ("optimizer", "fits", "state_bytes", "fullest_pe_bytes", "over_bytes", "refused"),
            tuple(optimizers),
        ),
    }

"""What ``wse wafers`` prints."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from rich import box
from rich.table import Table
from rich.text import Text

from wse_emulator.wafer import WaferSpec
from wse_emulator.wafer.machine_file import FIELDS

_PLAIN = tuple(name for name in FIELDS if name not in ("name", "lanes", "sources", "unsourced"))


def overview(specs: list[WaferSpec]) -> Table:
    """One row a machine: the figures that tell them apart."""
    table = Table(
        title="Machines",
        box=box.SIMPLE_HEAD,  # nine columns have to fit 80 characters
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0),
        caption="SRAM in bytes a PE, ports in bytes read + written a cycle, hop and wavelet in "
        "cycles; assumed: fields without a source. wse wafers NAME shows every figure.",
    )
    headings = ("name", "rows x cols", "PEs", "MHz", "SRAM", "ports", "hop", "wavelet", "assumed")
    for heading in headings:
        justify: Literal["left", "right"] = "left" if heading == "name" else "right"
        table.add_column(heading, justify=justify, no_wrap=True)
    for spec in specs:
        table.add_row(
            spec.name,
            f"{spec.rows} x {spec.cols}",
            f"{spec.pes:,}",
            f"{spec.clock_hz / 1e6:g}",
            f"{spec.sram_bytes_per_pe:,}",
            f"{spec.sram_read_bytes_per_cycle} + {spec.sram_write_bytes_per_cycle}",
            f"{spec.hop_cycles}",
            f"{float(spec.cycles_per_wavelet):g}",
            f"{len(spec.unsourced)}",
        )
    return table


def figures(spec: WaferSpec) -> Table:
    """Every field of a machine: value and source; assumptions are marked."""
    table = Table(title=f"{spec.name}: every figure and where it comes from", show_lines=False)
    table.add_column("field", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("source", overflow="fold")
    for name in _PLAIN:
        value = getattr(spec, name)
        shown = str(value) if isinstance(value, Fraction) else f"{value:,}"
        style = "yellow" if name in spec.unsourced else ""
        # Text, since a source may hold square brackets
        table.add_row(name, shown, Text(spec.sources.get(name, ""), style=style))
    return table


def lane_rates(spec: WaferSpec) -> Table:
    """Elements a cycle, one row an op class."""
    table = Table(title="Elements a cycle", caption=Text(spec.sources.get("lanes", "")))
    table.add_column("lanes")
    dtypes = list(dict.fromkeys(rate.dtype for rate in spec.lanes))
    for dtype in dtypes:
        table.add_column(dtype, justify="right")
    for op_class in dict.fromkeys(rate.op_class for rate in spec.lanes):
        speeds = {r.dtype: r.elements_per_cycle for r in spec.lanes if r.op_class == op_class}
        cells = [f"{float(speeds[d]):g}" if d in speeds else "" for d in dtypes]
        table.add_row(op_class, *cells)
    return table

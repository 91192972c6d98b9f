"""What ``wse wafers`` prints."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from wse_emulator.results.sentences import sentence
from wse_emulator.terminal.say import show, table
from wse_emulator.wafer import WaferSpec
from wse_emulator.wafer.kernel_cycles import DERIVATIONS, KERNEL_FIELDS
from wse_emulator.wafer.machine_file import FIELDS

_TABLES = ("name", "lanes", "library", "kernels", "sources", "unsourced")
_PLAIN = tuple(name for name in FIELDS if name not in _TABLES)


def print_overview(specs: list[WaferSpec]) -> None:
    """Print a row for each machine, with the figures in which they differ."""
    headings = ("name", "rows x cols", "PEs", "MHz", "SRAM", "ports", "hop", "wavelet", "assumed")
    shown = table(
        "Machines",
        *headings,
        unbroken=headings,
        caption=overview_units(),
    )
    for spec in specs:
        shown.add_row(
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
    show(shown, opening=True)


@sentence
def overview_units() -> str:
    """The units of the table of machines."""
    return (
        "SRAM in bytes per PE, ports in bytes read + written per cycle, hop and wavelet in cycles; "
        "assumed: fields without a source. wse wafers NAME shows every figure."
    )


@sentence
def lanes_source(spec: WaferSpec) -> str:
    """Where the lanes of a machine come from; empty if nothing says."""
    return spec.sources.get("lanes", "")


def print_machine(spec: WaferSpec) -> None:
    """Print every figure of a machine with its source, then its arithmetic rates, its library's
    costs and its kernels' coefficients."""
    tables = (_figures(spec), _lane_rates(spec), _library_calls(spec), _kernel_cycles(spec))
    show(*tables, opening=True)


def _figures(spec: WaferSpec) -> Table:
    """Every field of a machine: value and source; assumptions are marked."""
    title = f"{spec.name}: every figure and where it comes from"
    words = ("field", "source")
    rows = table(title, "field", "value", "source", words=words, unbroken=("field", "value"))
    for name in _PLAIN:
        value = getattr(spec, name)
        written = f"{value:,}" if isinstance(value, int) else str(value)
        style = "yellow" if name in spec.unsourced else ""
        rows.add_row(name, written, Text(spec.sources.get(name, ""), style=style))
    return rows


def _lane_rates(spec: WaferSpec) -> Table:
    """The elements per cycle, a row for each class of op."""
    dtypes = list(dict.fromkeys(rate.dtype for rate in spec.lanes))
    rates = table("Elements per cycle", "lanes", *dtypes, caption=lanes_source(spec))
    for op_class in dict.fromkeys(rate.op_class for rate in spec.lanes):
        speeds = {r.dtype: r.elements_per_cycle for r in spec.lanes if r.op_class == op_class}
        cells = [f"{float(speeds[d]):g}" if d in speeds else "" for d in dtypes]
        rates.add_row(op_class, *cells)
    return rates


def _library_calls(spec: WaferSpec) -> Table:
    """The cycles of a call of each function, with their interval and what they rest on."""
    headings = ("library", "format", "cycles", "from", "to", "rests on")
    rows = table(
        "Cycles of a call of the math library",
        *headings,
        "source",
        words=("source",),
        unbroken=headings,
    )
    for call in spec.library:
        rows.add_row(
            call.function,
            call.dtype,
            f"{call.cycles:,}",
            f"{call.low_cycles:,}",
            f"{call.high_cycles:,}",
            call.evidence,
            call.source,
        )
    return rows


def _kernel_cycles(spec: WaferSpec) -> Table:
    """The coefficients of kernels, in cycles, each with the records that gave it."""
    words = ("kernels", "records", "reading")
    rows = table(
        "Cycles of kernels beyond their activities",
        "kernels",
        "cycles",
        "records",
        "reading",
        words=words,
        unbroken=("kernels", "cycles"),
    )
    for name in KERNEL_FIELDS:
        from_records = DERIVATIONS[name]
        rows.add_row(
            name,
            f"{float(getattr(spec.kernels, name)):.6g}",
            ", ".join(from_records.records),
            from_records.reading,
        )
    return rows

"""What ``wse run`` prints: the answer in words, and where the time goes."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from wse_emulator.results import answers
from wse_emulator.results.run import RunResult
from wse_emulator.results.sentences import sentences_together
from wse_emulator.results.words import rate_text, seconds, share, short, significant
from wse_emulator.terminal.say import say, say_written, show, table

_ROWS = 12
_NAME = 18
"""Characters of an op's name, so that the table fits 80 columns."""
_DIGITS = 9
"""Characters of the longest count of cycles that is written out, for the same reason."""


def run_tables(result: RunResult) -> list[Table]:
    """Steps, and busy cycles by kind of op; empty if nothing was simulated."""
    if not result.steps:
        return []
    return [_steps(result), _ops(result)]


def _brief(fraction: float) -> str:
    """A share in few characters, so that the table fits 80 columns."""
    return "<0.001 %" if 0 < fraction < 1e-5 else share(fraction)


def _count(number: int, written_out: bool) -> str:
    """A count in full, or with three digits and the prefix that suits: ``308 G``."""
    if not written_out:
        for prefix, factor in (("P", 10**15), ("T", 10**12), ("G", 10**9), ("M", 10**6)):
            if number >= factor:
                return f"{significant(number / factor)} {prefix}"
    return f"{number:,}"


def _steps(result: RunResult) -> Table:
    made = table("Steps", "step", "learning rate", "cycles", "time", words=())
    shown = result.steps if len(result.steps) <= _ROWS else result.steps[: _ROWS - 1]
    for step in shown:
        made.add_row(
            f"{step.step:,}",
            rate_text(step.learning_rate),
            f"{step.cycles:,}",
            seconds(step.seconds),
        )
    left = len(result.steps) - len(shown)
    if left:
        made.add_row(f"... {left:,} more", "", "", "")
    return made


def _ops(result: RunResult) -> Table:
    whole = sum(op.pe_cycles for op in result.ops) or 1
    rest = result.ops[_ROWS:]
    cycles_left = sum(op.pe_cycles for op in rest)
    largest = max((cycles_left, *(op.pe_cycles for op in result.ops)))
    written_out = len(f"{largest:,}") <= _DIGITS
    headings = ("phase", "op", "ops", "PE cycles", "share", "counted", "ours")
    made = table(
        "Where the time goes (busy cycles over all PEs)",
        *headings,
        words=("phase", "op"),
        unbroken=headings,
        caption=sentences_together(answers.evidence_words(result), answers.last_pe_done(result)),
    )
    for op in result.ops[:_ROWS]:
        made.add_row(
            op.phase,
            short(op.name, _NAME),
            f"{op.count:,}",
            _count(op.pe_cycles, written_out),
            _brief(op.pe_cycles / whole),
            *(
                _brief(of_class / op.pe_cycles) if op.pe_cycles else "0 %"
                for of_class in (op.counted_pe_cycles, op.unsourced_pe_cycles)
            ),
        )
    if rest:
        made.add_row(
            "",
            f"{len(rest)} more kinds",
            f"{sum(op.count for op in rest):,}",
            _count(cycles_left, written_out),
            _brief(cycles_left / whole),
            "",
            "",
        )
    return made


def print_result(result: RunResult, written: list[Path], out: Path | None) -> None:
    """Print the answer in words, then where the time goes, then the files written."""
    say(*answers.run_paragraphs(result))
    show(*run_tables(result))
    if out is not None:
        say_written(out, written)

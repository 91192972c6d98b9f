"""The numbers of a result as tables: plain columns and rows, and DataFrames if pandas is there."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from functools import singledispatch
from typing import TYPE_CHECKING, Final

import numpy as np

from wse_emulator.methods.fit_rows import fit_rows
from wse_emulator.methods.run_rows import run_rows
from wse_emulator.questions.collective import Study
from wse_emulator.questions.validate.report import ValidationReport
from wse_emulator.results.answer import Answer, TableRow
from wse_emulator.results.check import CheckReport
from wse_emulator.results.compare import Comparison
from wse_emulator.results.explain import Explanation
from wse_emulator.results.fit import FitReport
from wse_emulator.results.preflight import Preflight
from wse_emulator.results.run import RunResult
from wse_emulator.results.schedule import LearningRates
from wse_emulator.terminal.preflight import page_rows
from wse_emulator.views.bottlenecks import bottlenecks_table
from wse_emulator.views.table import Cell, Table

if TYPE_CHECKING:
    from pandas import DataFrame

MOST_ROWS: Final = 100_000
"""Steps of a schedule in a table; ``groups`` of the result hold the rate of every step."""


@singledispatch
def tables_of(answer: Answer) -> Mapping[str, Table]:
    """The tables of a result by name, those without rows too."""
    raise NotImplementedError(type(answer).__name__)


def data_tables(answer: Answer) -> dict[str, DataFrame | list[TableRow]]:
    """The tables that have rows: DataFrames if pandas is installed, else lists of dicts."""
    filled = {name: table for name, table in tables_of(answer).items() if table.rows}
    try:
        pandas = importlib.import_module("pandas")
    except ImportError:  # it is no dependency
        return {name: rows_of(table) for name, table in filled.items()}
    return {
        name: pandas.DataFrame(list(table.rows), columns=list(table.columns))
        for name, table in filled.items()
    }


def rows_of(table: Table) -> list[TableRow]:
    """One dict a row, from the name of the column to its value."""
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def _table(columns: str, rows: Iterable[tuple[Cell, ...]]) -> Table:
    return Table(tuple(columns.split()), tuple(rows))


tables_of.register(RunResult, run_rows)
tables_of.register(FitReport, fit_rows)


@tables_of.register
def _of_check(answer: CheckReport) -> Mapping[str, Table]:
    rows = ((v.rule, v.parameter, v.state, v.message, v.remedy) for v in answer.violations)
    return {"violations": _table("rule parameter state message remedy", rows)}


@tables_of.register
def _of_preflight(answer: Preflight) -> Mapping[str, Table]:
    found = {
        "answers": _table("question answer words", page_rows(answer)),
        "changes": _table("number change", enumerate(answer.changes, start=1)),
        "schedules": _table(
            "scheduler run_steps schedule_steps first_rate highest_step highest_rate last_step "
            "last_rate",
            (
                (
                    course.scheduler,
                    course.run_steps,
                    course.schedule_steps,
                    course.first.rate,
                    course.highest.step,
                    course.highest.rate,
                    course.last.step,
                    course.last.rate,
                )
                for course in answer.schedules
            ),
        ),
    }
    return found if answer.fit is None else {**found, **fit_rows(answer.fit)}


@tables_of.register
def _of_explanation(answer: Explanation) -> Mapping[str, Table]:
    parts = ((p.what, p.phase, p.start_cycle, p.end_cycle) for p in answer.critical.parts)
    return {
        "limits": bottlenecks_table(answer),
        "critical_path": _table("what phase start_cycle end_cycle", parts),
    }


@tables_of.register
def _of_comparison(answer: Comparison) -> Mapping[str, Table]:
    settings = ((s.name, s.before, s.after) for s in answer.settings)
    totals = ((t.name, t.unit, t.before, t.after, t.ratio) for t in answer.totals)
    tensors = (
        (t.name, t.before_cycles, t.after_cycles, t.before_pe_cycles, t.after_pe_cycles)
        for t in answer.tensors
    )
    return {
        "totals": _table("name unit before after ratio", totals),
        "settings": _table("name before after", settings),
        "tensors": _table(
            "tensor before_cycles after_cycles before_pe_cycles after_pe_cycles", tensors
        ),
    }


@tables_of.register
def _of_rates(answer: LearningRates) -> Mapping[str, Table]:
    """The rates; of a long schedule, steps that are evenly spread, and all milestones."""
    marked = [(group.name, step) for group in answer.groups for step in group.milestones]
    spread = np.linspace(0, answer.steps - 1, min(answer.steps, MOST_ROWS)).round().astype(int)
    steps = np.unique([*spread.tolist(), *(step for _, step in marked)])
    rates = [group.learning_rate[steps].tolist() for group in answer.groups]
    columns = ("step", *(group.name for group in answer.groups))
    return {
        "rates": Table(columns, tuple(zip(steps.tolist(), *rates, strict=True))),
        "milestones": _table("group step", marked),
    }


@tables_of.register
def _of_study(answer: Study) -> Mapping[str, Table]:
    ranked = (("rows", answer.row_candidates), ("column", answer.column_candidates))
    return {
        "algorithms": _table(
            "along algorithm cycles",
            ((place, str(c.algorithm), c.cycles) for place, found in ranked for c in found),
        ),
        "links": _table(
            "direction links busiest_cycles total_cycles",
            (
                (load.plane, load.links, load.busiest_cycles, load.total_cycles)
                for load in answer.loads
            ),
        ),
    }


@tables_of.register
def _of_validation(answer: ValidationReport) -> Mapping[str, Table]:
    by = answer.grouping
    summaries = (
        (
            kind,
            name,
            one.count,
            one.mean_abs_error,
            one.max_abs_error,
            one.null_mean_abs_error,
            one.null_max_abs_error,
        )
        for kind, consistency in (("validation", False), ("consistency", True))
        for name, one in answer.summary(consistency=consistency, by=by).items()
    )
    columns = "records mean_abs_error max_abs_error null_mean_abs_error null_max_abs_error"
    return {
        "records": _table(
            "record operation group machine kind unit published modelled formula null_model error "
            "standing source",
            (
                (
                    c.record.id,
                    c.record.operation,
                    c.group.name,
                    c.machine,
                    c.record.kind,
                    c.record.unit,
                    c.record.value,
                    c.modelled,
                    c.bound,
                    c.null_value,
                    c.error,
                    c.standing,
                    c.record.source,
                )
                for c in answer.comparisons
            ),
        ),
        "errors": _table(f"score {'operation' if by == 'training' else by} {columns}", summaries),
        "not_modelled": _table(
            "record operation reason",
            ((one.id, one.operation, reason) for one, reason in answer.not_modelled),
        ),
    }

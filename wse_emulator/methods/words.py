"""A result in sentences: those that its command prints before the tables."""

from __future__ import annotations

from functools import singledispatch

from wse_emulator.questions.collective import Study
from wse_emulator.questions.validate.report import ValidationReport
from wse_emulator.results.answer import Answer
from wse_emulator.results.answers import run_paragraphs
from wse_emulator.results.check import CheckReport, check_note, rules_verdict, verdict_on_part
from wse_emulator.results.compare import (
    Comparison,
    after_words,
    before_words,
    change_in_words,
)
from wse_emulator.results.explain import Explanation, costliest_limit, explained_time, last_pe
from wse_emulator.results.fit import FitReport
from wse_emulator.results.fit_answers import fit_paragraphs
from wse_emulator.results.preflight import (
    Course,
    Preflight,
    RatePoint,
    change_number,
    course_words,
    page_heading,
    ready,
)
from wse_emulator.results.run import RunResult
from wse_emulator.results.schedule import ALL_GROUPS, GroupRates, LearningRates
from wse_emulator.results.words import plural, share
from wse_emulator.terminal.collective import (
    candidates_words,
    collective_bounds,
    collective_time,
)
from wse_emulator.terminal.preflight import page_rows
from wse_emulator.terminal.schedule import schedule_left_out, steps_words


@singledispatch
def sentences(answer: Answer) -> list[str]:
    """The sentences of a result, as its command prints them; some may be empty."""
    raise NotImplementedError(type(answer).__name__)


@sentences.register
def _of_run(answer: RunResult) -> list[str]:
    return [*run_paragraphs(answer)]


@sentences.register
def _of_fit(answer: FitReport) -> list[str]:
    return [*fit_paragraphs(answer)]


@sentences.register
def _of_check(answer: CheckReport) -> list[str]:
    notes = (check_note(answer, number) for number in range(len(answer.notes)))
    return [rules_verdict(answer), *map(verdict_on_part, answer.parts), *notes]


@sentences.register
def _of_preflight(answer: Preflight) -> list[str]:
    """What was judged, the answer to each question, and what to change."""
    rows = (
        " ".join(part for part in (f"{question}:", short, words) if part)
        for question, short, words in page_rows(answer)
    )
    changes = (change_number(number, change) for number, change in enumerate(answer.changes, 1))
    return [page_heading(answer), ready(answer), *rows, *changes]


@sentences.register
def _of_explanation(answer: Explanation) -> list[str]:
    return [explained_time(answer), last_pe(answer), costliest_limit(answer)]


@sentences.register
def _of_comparison(answer: Comparison) -> list[str]:
    return [before_words(answer), after_words(answer), change_in_words(answer)]


@sentences.register
def _of_study(answer: Study) -> list[str]:
    return [
        collective_time(answer),
        collective_bounds(answer),
        candidates_words("rows", answer.row_candidates),
        candidates_words("column", answer.column_candidates),
    ]


@sentences.register
def _of_rates(answer: LearningRates) -> list[str]:
    """How many steps there are, and the course of each group's rate."""
    found: list[str] = [
        steps_words(answer),
        *(course_words(_course(group)) for group in answer.groups),
    ]
    found.append(schedule_left_out(answer))
    return found if answer.beside is None else [*found, *_of_rates(answer.beside)]


def _course(group: GroupRates) -> Course:
    rate = group.learning_rate
    steps = (0, int(rate.argmax()), rate.size - 1)
    first, highest, last = (RatePoint(step=step, rate=float(rate[step])) for step in steps)
    return Course(
        scheduler="The learning rate" if group.name == ALL_GROUPS else f"That of {group.name}",
        run_steps=rate.size,
        schedule_steps=None,
        first=first,
        highest=highest,
        last=last,
        remarks=(),
    )


@sentences.register
def _of_validation(answer: ValidationReport) -> list[str]:
    """How many records were compared, and the errors of each operation."""
    compared = plural(len(answer.comparisons), "published record")
    errors = (
        f"{name}: {plural(one.count, 'record')}, mean error {share(one.mean_abs_error)}, largest "
        f"{share(one.max_abs_error)}."
        for name, one in answer.summary(consistency=False, by=answer.grouping).items()
    )
    left = len(answer.not_modelled)
    return [f"{compared} compared with the model, {left:,} not modelled.", *errors]

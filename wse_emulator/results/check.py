"""CheckReport: what the static-state rules say of an optimizer, or of several."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Final

from wse_emulator.errors import InputError, StaticRuleError
from wse_emulator.results.card import card_table

CHECK_SCHEMA: Final = "wse-check/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """The verdict on one optimizer, or on several that train together.

    Attributes:
        optimizer: module and class; of several, with commas between them.
        steps: how many steps were captured.
        violations: one a rule and state; empty for a legal optimizer.
        factory: ``module:factory`` that made it; None for a Python object.
        notes: what else there is to know, such as that the step does nothing.
        empty: whether no optimizer's step does anything at all.
        unjudged: why the optimizer could not be judged; None if it was.
        of: the parameters that it steps, in a few words, where there are several optimizers.
        parts: the verdict on each of several optimizers; empty for a single one.
    """

    optimizer: str
    steps: int
    violations: tuple[StaticRuleError, ...]
    factory: str | None = None
    notes: tuple[str, ...] = ()
    empty: bool = False
    unjudged: str | None = None
    of: str = ""
    parts: tuple[CheckReport, ...] = ()

    @property
    def legal(self) -> bool:
        """Whether every optimizer was judged and keeps all rules."""
        return not self.violations and self.unjudged is None

    @property
    def exit_code(self) -> int:
        """What ``wse check`` returns: 0 legal, 4 breaks a rule, 2 could not be judged."""
        if self.violations:
            return StaticRuleError.exit_code
        return 0 if self.unjudged is None else InputError.exit_code

    @property
    def verdict(self) -> str:
        """The verdict in a sentence."""
        if self.violations:
            count = len(self.violations)
            has = "have" if self.parts else "has"
            return (
                f"Not legal: {self.optimizer} {has} {count} violation{'s' if count > 1 else ''} "
                "of the static-state rules."
            )
        if self.unjudged is not None:
            return f"Not judged: {self.optimizer}: {self.unjudged}."
        if self.empty:
            return f"Nothing to judge: {self.optimizer} issues no tensor op in {self.steps} steps."
        keeps = "keep" if self.parts else "keeps"
        return f"Legal: {self.optimizer} {keeps} all static-state rules over {self.steps} steps."

    def _repr_html_(self) -> str:
        """What a notebook shows for a report."""
        return check_card(self)

    def document(self) -> dict[str, object]:
        """The JSON of ``wse check --json``."""
        several = {"optimizers": [part._as_part() for part in self.parts]} if self.parts else {}
        return {
            "schema": CHECK_SCHEMA,
            "optimizer": self.optimizer,
            "steps": self.steps,
            "legal": self.legal,
            "violations": [_violation(violation) for violation in self.violations],
            **({"notes": list(self.notes)} if self.notes else {}),
            **several,
            "request": {
                "optimizer": self.factory or self.optimizer,
                "steps": self.steps,
                "objects": [] if self.factory else ["optimizer"],
            },
        }

    def _as_part(self) -> dict[str, object]:
        """The JSON of one of several optimizers; ``legal`` is null where it was not judged."""
        return {
            "optimizer": self.optimizer,
            "parameters": self.of,
            "legal": None if self.unjudged is not None and not self.violations else self.legal,
            "violations": [_violation(violation) for violation in self.violations],
            "notes": list(self.notes),
            "not_judged": self.unjudged,
        }


def _violation(violation: StaticRuleError) -> dict[str, object]:
    return {
        "rule": violation.rule,
        "parameter": violation.parameter,
        "state": violation.state,
        "message": violation.message,
        "remedy": violation.remedy,
    }


def check_card(report: CheckReport) -> str:
    """HTML of whether an optimizer is legal, and each broken rule with its remedy."""
    verb = "break" if report.parts else "breaks"
    said = report.verdict
    if report.violations:
        broken = f"{verb} {len(report.violations)} of the static-state rules"
        said = f"{report.optimizer} {broken} over {report.steps:,} steps."
    elif not report.empty:
        said = said.removeprefix("Legal: ")
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in report.notes)
    rows = card_table((v.rule, str(v)) for v in report.violations)
    return f"<p>{html.escape(said)}</p>{notes}{rows}"

"""CheckReport: what the static-state rules say of an optimizer, or of several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wse_emulator.errors import InputError, StaticRuleError
from wse_emulator.results.answer import Answer
from wse_emulator.results.sentences import sentence
from wse_emulator.results.words import plural

CHECK_SCHEMA: Final = "wse-check/1"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CheckReport(Answer):
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

    Example:
        >>> p = torch.nn.Parameter(torch.zeros(4))
        >>> report = wse_emulator.check(optimizers.Lion([p], lr=1e-3))
        >>> print(report)
        Legal: optimizers.lion.Lion keeps all static-state rules over 16 steps.
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
        return rules_verdict(self)

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


@sentence
def rules_verdict(report: CheckReport) -> str:
    """Whether an optimizer keeps the static-state rules, and how often it breaks one."""
    several = len(report.parts) > 1
    if report.violations:
        has, broken = "have" if several else "has", plural(len(report.violations), "violation")
        return f"Not legal: {report.optimizer} {has} {broken} of the static-state rules."
    if report.unjudged is not None:
        return f"Not judged: {report.optimizer}: {report.unjudged}."
    over = plural(report.steps, "step")
    if report.empty:
        return f"Nothing to judge: {report.optimizer} issues no tensor op in {over}."
    keeps = "keep" if several else "keeps"
    return f"Legal: {report.optimizer} {keeps} all static-state rules over {over}."


@sentence
def verdict_on_part(part: CheckReport) -> str:
    """The verdict on one of several optimizers, which its parameters tell apart."""
    return f"{part.of}: {rules_verdict(part)}"


@sentence
def check_note(report: CheckReport, number: int) -> str:
    """What else there is to know about a verdict: note ``number`` of the report."""
    return report.notes[number]

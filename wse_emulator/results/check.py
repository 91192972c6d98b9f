"""CheckReport: what the static-state rules say of an optimizer."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Final

from wse_emulator.errors import StaticRuleError
from wse_emulator.results.card import card_table
from wse_emulator.results.sentences import sentence
from wse_emulator.results.words import plural

CHECK_SCHEMA: Final = "wse-check/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """The verdict on one optimizer.

    Attributes:
        optimizer: module and class.
        steps: how many steps were captured.
        violations: one a rule and state; empty for a legal optimizer.
        factory: ``module:factory`` that made it; None for a Python object.
    """

    optimizer: str
    steps: int
    violations: tuple[StaticRuleError, ...]
    factory: str | None = None

    @property
    def legal(self) -> bool:
        """Whether the optimizer keeps all rules."""
        return not self.violations

    def _repr_html_(self) -> str:
        """What a notebook shows for a report."""
        return check_card(self)

    def document(self) -> dict[str, object]:
        """The JSON of ``wse check --json``."""
        return {
            "schema": CHECK_SCHEMA,
            "optimizer": self.optimizer,
            "steps": self.steps,
            "legal": self.legal,
            "violations": [
                {
                    "rule": violation.rule,
                    "parameter": violation.parameter,
                    "state": violation.state,
                    "message": violation.message,
                    "remedy": violation.remedy,
                }
                for violation in self.violations
            ],
            "request": {
                "optimizer": self.factory or self.optimizer,
                "steps": self.steps,
                "objects": [] if self.factory else ["optimizer"],
            },
        }


@sentence
def rules_verdict(report: CheckReport) -> str:
    """Whether an optimizer keeps the static-state rules, and how often it breaks one."""
    if report.legal:
        over = plural(report.steps, "step")
        return f"Legal: {report.optimizer} keeps all static-state rules over {over}."
    broken = plural(len(report.violations), "violation")
    return f"Not legal: {report.optimizer} has {broken} of the static-state rules."


def check_card(report: CheckReport) -> str:
    """HTML of whether an optimizer is legal, and each broken rule with its remedy."""
    said = html.escape(rules_verdict(report))
    return f"<p>{said}</p>{card_table((v.rule, str(v)) for v in report.violations)}"

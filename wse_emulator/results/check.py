"""CheckReport: what the static-state rules say of an optimizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wse_emulator.errors import StaticRuleError
from wse_emulator.results.answer import Answer
from wse_emulator.results.sentences import sentence
from wse_emulator.results.words import plural

CHECK_SCHEMA: Final = "wse-check/1"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CheckReport(Answer):
    """The verdict on one optimizer.

    Attributes:
        optimizer: module and class.
        steps: how many steps were captured.
        violations: one a rule and state; empty for a legal optimizer.
        factory: ``module:factory`` that made it; None for a Python object.

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

    @property
    def legal(self) -> bool:
        """Whether the optimizer keeps all rules."""
        return not self.violations

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

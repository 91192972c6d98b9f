"""The doors at which a question can be put: ``run``, ``fit`` and ``wse preflight``."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import wse_emulator
from tests.cli.command import wse
from tests.questions.edge_cases import Question
from wse_emulator.errors import WseError

CONFIG = """\
model:
  position_embedding_type: learned
  share_embedding_weights: false
{sizes}
optimizer: {{optimizer_type: SGD, learning_rate: 0.1}}
"""
"""A run config; what is asked says another optimizer."""


@dataclass(frozen=True)
class Verdict:
    """What a door says.

    Attributes:
        code: 0 fits, 3 does not, else that of an error: the exit code of the command.
        peak: bytes in the fullest PE; None where there is an error.
        cycles: of a step that fits and is timed.
        mode: where the step runs.
        words: the error.
    """

    code: int
    peak: int | None = None
    cycles: int | None = None
    mode: str = ""
    words: str = ""


class Doors:
    """Puts questions, each to a door at most once; models are written below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(dir=folder))
        self._models: dict[object, str] = {}
        self._said: dict[tuple[object, Question], Verdict] = {}

    def run(self, question: Question) -> Verdict:
        """What ``run`` says; it knows the mode ``pipelined`` alone."""
        return self._once(self._run, replace(question, mode="pipelined"))

    def fit(self, question: Question) -> Verdict:
        """What ``fit`` says."""
        return self._once(self._fit, question)

    def preflight(self, question: Question) -> Verdict:
        """What the page of ``wse preflight`` says; its exit code is that of the command."""
        return self._once(self._preflight, question)

    def typed(self, command: str, question: Question, *more: str) -> int:
        """The exit code of ``wse COMMAND MODEL`` with the flags of a question."""
        return wse(command, self.model(question), *flags(question), *more).code

    def model(self, question: Question) -> str:
        """The path of the question's model."""
        what = question.layers or question.tensors
        if what not in self._models:
            path = (
                self._folder / f"model{len(self._models)}{'.yaml' if question.layers else '.json'}"
            )
            if question.layers:
                sizes = "\n".join(f"  {name}: {size}" for name, size in question.layers)
                path.write_text(CONFIG.format(sizes=sizes))
            else:
                path.write_text(json.dumps([[n, list(s), d] for n, s, d in question.tensors]))
            self._models[what] = str(path)
        return self._models[what]

    def _once(self, door: Callable[[Question], Verdict], question: Question) -> Verdict:
        key = (door.__name__, question)
        if key not in self._said:
            try:
                self._said[key] = door(question)
            except WseError as error:
                self._said[key] = Verdict(error.exit_code, words=str(error))
        return self._said[key]

    def _run(self, question: Question) -> Verdict:
        result = wse_emulator.run(self.model(question), **_arguments(question))
        cycles = result.steps[0].cycles if result.steps else None
        return Verdict(0 if result.fits else 3, result.memory.peak_bytes, cycles, result.mode)

    def _fit(self, question: Question) -> Verdict:
        report = wse_emulator.fit(self.model(question), levers=False, **_arguments(question))
        return Verdict(0 if report.fits else 3, report.pe.peak_bytes, None, report.mode)

    def _preflight(self, question: Question) -> Verdict:
        model, said = self.model(question), flags(question)
        answer = wse("preflight", model, *said, "--mode", question.mode, "--json", "-")
        if not answer.output:
            return Verdict(answer.code, words=answer.error)
        page = json.loads(answer.output)
        if page["fits"] is None:
            return Verdict(answer.code, words=" ".join(page["problems"]))
        time = page["step_time"]
        cycles = None if time is None else time["cycles"]
        return Verdict(answer.code, page["fit"]["peak_bytes"], cycles, page["fit"]["mode"])


def flags(question: Question) -> list[str]:
    """The question as the flags of a command, but for its mode."""
    said = [
        ("--optimizer", question.optimizer),
        ("--lr", question.lr),
        ("--wafer", f"wse2:{question.rows}x{question.cols}"),
        ("--set", f"sram_bytes_per_pe={question.sram}"),
        ("--precision", question.precision),
        *((f"--{part}-dtype", dtype) for part, dtype in question.parts),
        ("--sparsity", question.sparsity),
        ("--batch-size", question.batch),
        ("--micro-batch", question.micro_batch),
        ("--recompute", question.recompute),
        ("--max-grad-norm", question.max_grad_norm),
    ]
    typed = [text for flag, value in said if value is not None for text in (flag, str(value))]
    for name, value in question.options:
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        typed += ["-o", f"{name}={text}"]
    return [*typed, "--loss-scaling"] if question.loss_scaling else typed


def _arguments(question: Question) -> dict[str, object]:
    """The question as the arguments of a function."""
    machine = wse_emulator.WSE2.scaled(question.rows, question.cols)
    said: dict[str, object] = {
        "optimizer": question.optimizer,
        "lr": question.lr,
        "options": dict(question.options),
        "wafer": replace(machine, sram_bytes_per_pe=question.sram),
        "mode": question.mode,
        "precision": question.precision,
        "sparsity": question.sparsity,
        "batch_size": question.batch,
        "micro_batch": question.micro_batch,
        "recompute": question.recompute,
        "max_grad_norm": question.max_grad_norm,
        "loss_scaling": question.loss_scaling or None,
    }
    if question.parts:
        from wse_emulator.inputs.precision import parse_precision

        said["precision"] = parse_precision(question.precision or "float32", **dict(question.parts))
    return {name: value for name, value in said.items() if value is not None}

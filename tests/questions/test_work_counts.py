"""A question does its work once: the file read, the model built, the optimizer built, the capture.

What is counted are calls that any code makes for that work: of ``open``, of the YAML reader, and
of the constructors and the dispatch mode of torch.
"""

from __future__ import annotations

import builtins
import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from torch import nn
from torch.optim import Optimizer
from torch.utils._python_dispatch import TorchDispatchMode

from tests.cli.command import wse

CONFIG = """
train_input: {batch_size: 4}
model:
  hidden_size: 16
  vocab_size: 50
  position_embedding_type: learned
  share_embedding_weights: true
  max_position_embeddings: 8
  num_hidden_layers: 2
  num_heads: 2
  filter_size: 32
optimizer:
  optimizer_type: AdamW
  max_gradient_norm: 1.0
  learning_rate:
    - {scheduler: Linear, initial_learning_rate: 0.0, end_learning_rate: 0.001, steps: 10}
    - {scheduler: Linear, initial_learning_rate: 0.001, end_learning_rate: 0.0, steps: 90}
runconfig: {max_steps: 100}
"""
WAFER = ("--wafer", "wse2:12x10")

ONE_CAPTURE = 2
"""Traced steps of a capture: the second has to repeat the graph of the first."""

WITH_SCHEDULE = 2 * ONE_CAPTURE
"""The same, with the update of the schedule that follows each step."""


@dataclass
class Work:
    """What was done while work was counted.

    Attributes:
        opened: files, by path.
        parsed: documents given to the YAML reader.
        modules: each ``nn.Module`` that was built.
        optimizers: class names of the optimizers that were built.
        traced: entries of a dispatch mode, each by a traced step or update of a schedule.
    """

    opened: Counter[str] = field(default_factory=Counter)
    parsed: int = 0
    modules: list[nn.Module] = field(default_factory=list)
    optimizers: list[str] = field(default_factory=list)
    traced: int = 0

    @property
    def models(self) -> Counter[str]:
        """How often each class was built as a whole: as no part of another module."""
        parts = {id(child) for module in self.modules for child in module.children()}
        return Counter(type(m).__name__ for m in self.modules if id(m) not in parts)


@contextmanager
def counted() -> Iterator[Work]:
    """Count the work that is done inside."""
    work = Work()

    def calling(
        before: Callable[..., object], then: Callable[..., object]
    ) -> Callable[..., object]:
        def both(*arguments: object, **keywords: object) -> object:
            before(*arguments)
            return then(*arguments, **keywords)

        return both

    def parse(*_: object) -> None:
        work.parsed += 1

    def trace(*_: object) -> None:
        work.traced += 1

    with pytest.MonkeyPatch.context() as patch:
        opening = calling(lambda file, *_: work.opened.update([str(file)]), open)
        patch.setattr(builtins, "open", opening)
        patch.setattr(io, "open", opening)  # the one that Path.open and read_text call
        for home, name, before in (
            (yaml.reader.Reader, "__init__", parse),
            (nn.Module, "__init__", lambda module, *_: work.modules.append(module)),
            (Optimizer, "__init__", lambda made, *_: work.optimizers.append(type(made).__name__)),
            (TorchDispatchMode, "__enter__", trace),
        ):
            patch.setattr(home, name, calling(before, getattr(home, name)))
        yield work


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "params.yaml"
    path.write_text(CONFIG)
    return str(path)


@pytest.mark.parametrize(
    "command",
    [("run",), ("fit", "--no-levers"), ("preflight",)],
    ids=lambda command: str(command[0]),
)
def test_a_run_config_is_worked_through_once(command: tuple[str, ...], config: str) -> None:
    with counted() as work:
        answer = wse(command[0], config, *command[1:], *WAFER)
    assert answer.code == 0, answer.error
    assert work.opened[config] == 1
    assert work.parsed == 1
    assert set(work.models.values()) == {1}
    assert any(list(module.children()) for module in work.modules), "a model of layers was built"
    assert work.optimizers == ["AdamW"]
    assert work.traced == WITH_SCHEDULE


@pytest.mark.parametrize("command", ["run", "preflight"])
def test_a_config_beside_a_model_is_read_once(command: str, config: str, tmp_path: Path) -> None:
    shapes = tmp_path / "model.json"
    shapes.write_text('[["h.0.w", [31, 17], "float32"], ["h.0.b", [17], "float32"]]')
    with counted() as work:
        answer = wse(command, str(shapes), "--config", config, *WAFER)
    assert answer.code == 0, answer.error
    assert work.opened[config] == work.opened[str(shapes)] == 1
    assert work.parsed == 1
    assert work.optimizers == ["AdamW"]
    assert work.traced == WITH_SCHEDULE


@pytest.mark.parametrize(
    "command",
    [("run",), ("fit", "--no-levers"), ("preflight",)],
    ids=lambda command: str(command[0]),
)
def test_a_model_by_name_is_captured_once(command: tuple[str, ...]) -> None:
    with counted() as work:
        answer = wse(command[0], "opt-125m", *command[1:], "--wafer", "wse2:250x250")
    assert answer.code == 0, answer.error
    assert work.optimizers == ["AdamW"]
    assert work.traced == ONE_CAPTURE
    assert set(work.models.values()) <= {1}

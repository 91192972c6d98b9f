"""Random questions to commands: small models, wafers at the edge of fitting, any of the flags."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

OPTIMIZERS = ("AdamW", "SGD", "Adafactor", "Lamb", "Lion", "Adam", "RMSprop", "Adagrad", "Muon")
NEED_A_RATE = frozenset({"SGD", "Adafactor"})

CONFIG = """\
train_input: {{batch_size: {batch}{length}}}
model:
  hidden_size: {hidden}
  vocab_size: {vocab}
  position_embedding_type: learned
  share_embedding_weights: {share}
  max_position_embeddings: {positions}
  num_hidden_layers: {layers}
  num_heads: 2
  filter_size: {filter}
optimizer:
  optimizer_type: {optimizer}
  learning_rate:
    - {{scheduler: Linear, initial_learning_rate: 0.0, end_learning_rate: 0.001, steps: 10}}
    - {{scheduler: Linear, initial_learning_rate: 0.001, end_learning_rate: 0.0, steps: 90}}
runconfig: {{max_steps: {steps}}}
"""


def shapes(draw: Random, folder: Path) -> str:
    """A file of a few small tensors."""
    tensors = []
    for number in range(draw.randint(1, 4)):
        sizes = [draw.choice((1, 3, 8, 17, 31, 60)) for _ in range(draw.randint(1, 3))]
        name = draw.choice(("h.{0}.w", "layer{0}.weight", "[{0}] x", "a.{0}.b.%d"))
        tensors.append(
            [name.format(number), sizes, draw.choice(("float32", "float32", "bfloat16"))]
        )
    path = folder / f"shapes{draw.getrandbits(40):x}.json"
    path.write_text(json.dumps(tensors))
    return str(path)


def config(draw: Random, folder: Path) -> str:
    """A run config of a small decoder."""
    text = CONFIG.format(
        batch=draw.choice((1, 2, 7)),
        length=draw.choice(("", ", max_sequence_length: 4")),
        hidden=draw.choice((8, 16, 24)),
        vocab=draw.choice((11, 50)),
        share=draw.choice(("true", "false")),
        positions=draw.choice((4, 8)),
        layers=draw.choice((1, 2, 3)),
        filter=draw.choice((16, 40)),
        optimizer=draw.choice(("AdamW", "Adam")),
        steps=draw.choice((1, 100, 250)),
    )
    path = folder / f"params{draw.getrandbits(40):x}.yaml"
    path.write_text(text)
    return str(path)


def question(draw: Random, folder: Path, *, samples: bool, rate: bool) -> list[str]:
    """MODEL and flags.

    Args:
        draw: what chooses.
        folder: where models are written.
        samples: whether the model is one whose activations are known.
        rate: whether a rate is always given.
    """
    model = config(draw, folder) if samples else shapes(draw, folder)
    words = [model, "--wafer", f"{draw.choice(('wse2', 'wse2', 'wse1', 'wse3'))}:{_cut(draw)}"]
    if not samples or draw.random() < 0.3:
        optimizer = draw.choice(OPTIMIZERS)
        words += ["--optimizer", optimizer]
        if draw.random() < 0.5 or (rate and optimizer in NEED_A_RATE):
            words += draw.choice((["--lr", "0.01"], ["--lr-schedule", "linear:0:0.001:10"]))
    for flag, values, chance in (
        ("--precision", ("mixed", "bfloat16", "float32"), 0.3),
        ("--sparsity", ("0.5", "0.9"), 0.15),
        ("--batch-size", ("1", "3", "20"), 0.4 if samples else 0.0),
        ("--seq-len", ("2", "4"), 0.2),
        ("--micro-batch", ("1",), 0.15),
        ("--recompute", ("none", "full", "1"), 0.2),
        ("--max-grad-norm", ("1.0",), 0.1),
    ):
        if draw.random() < chance:
            words += [flag, draw.choice(values)]
    return words


def at_the_edge(draw: Random, words: list[str], peak: int) -> list[str]:
    """The same with as much SRAM as the fullest PE needed, or a byte or a part less or more."""
    sram = max(peak + draw.choice((-1, 0, 1, -peak // 20, peak // 20)), 8_193)
    return [*words, "--set", f"sram_bytes_per_pe={sram}"]


def _cut(draw: Random) -> str:
    return f"{draw.choice((1, 2, 3, 6))}x{draw.choice((1, 2, 4, 5))}"

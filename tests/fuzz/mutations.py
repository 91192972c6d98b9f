"""Inputs of every kind of file, and ways to damage one: what a fuzz of the command line draws."""

from __future__ import annotations

import copy
import io
import json
import random
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from tests.cli.command import wse

ODD_VALUES: tuple[object, ...] = (
    None, True, False, 0, -1, 1, 2, 7, 64, 1.5, -0.0, 1e-320, 1e308, 2**31, 2**63, 2**64, 10**30,
    -(2**63), "", " ", "a", "auto", "inf", "nan", "1e400", "\0", "\u2028", "é", "$x^2$", "$", "\\",
    "x" * 300, "../..", "wse2", "[1]", [], [[]], [1, 2], [None], {}, {"a": {}}, {"": 1},
)  # fmt: skip
ODD_TEXTS = (
    "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "9" * 400, "9" * 5000, '"\\ud800"', "\0",
    "null", "[" * 2000, "{" * 2000, '{"a":' * 2000, "&a [*a]", "*a", "!!python/object:os.system {}",
    "!!binary eA==", "2024-13-45", "\t", "\ufeff", "# ", "'", '"', ":", "- ", "? ", "|\n", "<<: ",
    "1:30:00", "0x1f", "1_000", ".inf", ".nan", "~", "%YAML 9.9\n---\n",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: a good one, and the command that reads it.

    Attributes:
        name: of the kind.
        file: name of the file.
        content: a good one.
        command: the words after ``wse``.
        text: how a document is written, for a file that is one; None for bytes.
    """

    name: str
    file: str
    content: bytes
    command: tuple[str, ...]
    text: Callable[[object], str] | None = None


def kinds(folder: Path) -> list[Kind]:
    """One of every kind of file that a command reads; results are made in ``folder``."""
    small = ("--wafer", "wse2:4x4", "--quiet")
    shapes = [["h.0.w", [6, 4], "float32"], ["h.0.b", [4], "bfloat16"], ["s", [], "float32"]]
    fit = ("--no-levers", *small)
    as_json, as_yaml = _kinds_of_text()
    config = {
        "trainer": {
            "init": {
                "model": {"name": "gpt2", "vocab_size": 32, "hidden_size": 8, "num_heads": 2,
                          "num_hidden_layers": 1, "max_position_embeddings": 8,
                          "filter_size": 16},
                "optimizer": {"AdamW": {"weight_decay": 0.1, "betas": [0.9, 0.95]}},
                "schedulers": [{"CosineDecayLR": {"initial_learning_rate": 0.1,
                                                  "end_learning_rate": 0.0, "total_iters": 9}}],
                "precision": {"enabled": True, "fp16_type": "bfloat16"},
                "loop": {"max_steps": 20},
            },
            "fit": {"train_dataloader": {"batch_size": 2}},
        }
    }  # fmt: skip
    old_config = {
        "model": {"hidden_size": 8, "num_heads": 2, "num_hidden_layers": 1, "vocab_size": 32,
                  "max_position_embeddings": 8, "filter_size": 16, "mixed_precision": True},
        "optimizer": {"optimizer_type": "adamw", "learning_rate": [
            {"scheduler": "Linear", "initial_learning_rate": 0.0, "end_learning_rate": 0.1,
             "total_iters": 5},
            {"scheduler": "Constant", "learning_rate": 0.1}], "max_gradient_norm": 1.0},
        "train_input": {"batch_size": 2, "max_sequence_length": 8},
        "runconfig": {"max_steps": 10},
    }  # fmt: skip
    machine = {
        "schema": "wse-machine/1", "base": "wse2", "rows": 4, "cols": 5, "hop_cycles": 2,
        "cycles_per_wavelet": "9/8", "clock_hz": 8.5e8, "lanes": {"fma": {"float32": ["1/2", 9]}},
        "functions": "vector", "library": {"exp": {"float32": {"cycles": 60, "low": 50}}},
        "sources": {"hop_cycles": "here"}, "unsourced": ["clock_hz"],
    }  # fmt: skip
    schedule = [{"scheduler": "Linear", "initial_learning_rate": 0, "end_learning_rate": 0.1,
                 "total_iters": 5}, {"scheduler": "Constant", "learning_rate": 0.1}]  # fmt: skip
    records = {"records": [{"id": "a", "machine": "wse2", "operation": "reduce", "metric": "cycles",
                            "unit": "cycles", "value": 500, "parameters":
                            {"rows": 1, "cols": 8, "wavelets": 4}}]}  # fmt: skip
    hugging_face = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_embd": 8,
                    "n_layer": 1, "n_head": 2, "vocab_size": 32, "n_positions": 8}  # fmt: skip
    write(folder / "good.json", as_json(shapes).encode())
    made = wse("run", "good.json", *small, "--steps", "2", "--out", "report", "--force")
    assert made.code == 0, made.error
    run_json = (folder / "report" / "run.json").read_bytes()
    (folder / "one.json").write_bytes((folder / "good.json").read_bytes())
    again = ("--force", "--quiet")

    def of(name: str, file: str, document: object, *command: str) -> Kind:
        text = as_yaml if file.endswith("yaml") else as_json
        return Kind(name, file, text(document).encode(), command, text)

    return [
        of("shapes", "m.json", shapes, "fit", "m.json", *fit),
        of("shapes timed", "m.json", shapes, "run", "m.json", *small),
        of("config", "c.yaml", config, "fit", "c.yaml", *fit),
        of("config of 1.x", "c.yaml", old_config, "preflight", "c.yaml", *small),
        of("config beside", "c.yaml", config, "run", "good.json", "--config", "c.yaml", *small),
        of("rates", "c.yaml", old_config, "schedule", "c.yaml", "--quiet"),
        of("machine", "w.json", machine, "fit", "good.json", "--wafer", "w.json", "--no-levers"),
        of("machine shown", "w.json", machine, "wafers", "w.json"),
        of("schedule", "s.json", schedule, "run", "good.json", "--lr-schedule", "s.json", *small),
        of("schedule", "s.yaml", schedule, "fit", "good.json", "--lr-schedule", "s.yaml", *fit),
        of("records", "r.json", records, "validate", "--data", "r.json", "--quiet"),
        of("config.json", "config.json", hugging_face, "fit", "config.json", *fit),
        Kind("masks", "k.npz", masks(), ("fit", "good.json", "--sparsity", "k.npz", *fit)),
        *(
            Kind(f"result, {name}", "report/run.json", run_json, command, as_json)
            for name, command in (
                ("plot", ("plot", "report", "--view", "memory-over-step", *again)),
                ("timeline", ("plot", "report", "--view", "timeline", "--out", "t.svg", *again)),
                ("data", ("plot", "report", "--view", "time", "--out", "t.csv", *again)),
                ("compare", ("compare", "report", "report", "--quiet")),
                ("explain", ("explain", "report", "--quiet")),
            )
        ),
        Kind(
            "arrays",
            "report/run.npz",
            (folder / "report" / "run.npz").read_bytes(),
            ("plot", "report", "--view", "links", *again),
        ),
    ]


def _kinds_of_text() -> tuple[Callable[[object], str], Callable[[object], str]]:
    def as_json(document: object) -> str:
        return json.dumps(document)

    def as_yaml(document: object) -> str:
        return str(yaml.safe_dump(document, sort_keys=False))

    return as_json, as_yaml


def masks() -> bytes:
    """A good file of masks."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{"h.0.w": np.arange(24).reshape(6, 4) % 3 > 0})
    return buffer.getvalue()


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def damaged(kind: Kind, draw: random.Random) -> bytes:
    """The file of a kind with one to three faults."""
    if kind.text is not None and draw.random() < 0.7:
        document = yaml.safe_load(kind.content)
        for _ in range(draw.randint(1, 3)):
            document = _with_fault(document, draw)
        text = kind.text(document)
        return (text if draw.random() < 0.8 else _with_odd_text(text, draw)).encode(
            "utf-8", "surrogatepass"
        )
    if kind.text is not None and draw.random() < 0.5:
        return _with_odd_text(kind.content.decode(), draw).encode()
    if kind.file.endswith(".npz") and draw.random() < 0.7:
        return _with_lie(kind.content, draw)
    return _with_bytes(kind.content, draw)


def _with_fault(document: object, draw: random.Random) -> object:
    """A document with one value replaced, left out, given twice or moved."""
    changed = copy.deepcopy(document)
    places = [*_places(changed)]
    if not places or draw.random() < 0.02:
        return draw.choice(ODD_VALUES)
    holder, key = draw.choice(places)
    fault = draw.randrange(6)
    if fault < 3:
        holder[key] = copy.deepcopy(draw.choice(ODD_VALUES))
    elif fault == 3:
        del holder[key]
    elif fault == 4:
        other, place = draw.choice(places)
        holder[key] = copy.deepcopy(other[place])
    elif isinstance(holder, dict):
        value = holder.pop(key)
        holder[draw.choice((key.upper(), key + "x", "", "\0", key[:-1]))] = value
    else:
        holder.insert(key, copy.deepcopy(holder[key]))
    return changed


def _places(document: object) -> list[tuple]:  # type: ignore[type-arg]  # a holder and its key
    found: list[tuple] = []  # type: ignore[type-arg]
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            found += [(value, key) for key in value]
            waiting += value.values()
        elif isinstance(value, list):
            found += [(value, place) for place in range(len(value))]
            waiting += value
    return found


def _with_odd_text(text: str, draw: random.Random) -> str:
    place = draw.randrange(len(text) + 1)
    gone = draw.choice((0, 0, 1, 4, 40))
    return text[:place] + draw.choice(ODD_TEXTS) + text[place + gone :]


def _with_bytes(content: bytes, draw: random.Random) -> bytes:
    fault = draw.randrange(5)
    if fault == 0:
        return content[: draw.randrange(len(content))]
    if fault == 1:
        return content.decode("latin-1").encode(draw.choice(("utf-16", "utf-32", "utf-8-sig")))
    if fault == 2:
        return bytes(draw.randrange(256) for _ in range(draw.randrange(200)))
    changed = bytearray(content)
    for _ in range(draw.randint(1, 8)):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


def _with_lie(content: bytes, draw: random.Random) -> bytes:
    """An archive of arrays one of whose members is not what it says."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = draw.choice([*members])
    shape, dtype = draw.choice(_SHAPES), draw.choice(_DTYPES)
    header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    version = draw.choice((b"\x01\x00", b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x09\x00"))
    length = len(header).to_bytes(2 if version[0] == 1 else 4, "little")
    members[name] = b"\x93NUMPY" + version + length + header.encode() + members[name][128:]
    buffer = io.BytesIO()
    way = draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(buffer, "w", way) as archive:
        for member, held in members.items():
            archive.writestr(draw.choice((member, member, member + "x")), held)
    return buffer.getvalue()


_SHAPES: Sequence[str] = (
    "(6, 4)", "(24,)", "()", "(-1,)", "(1099511627776,)", "(0,)", "(6, 4, 1)", "(True,)", "None",
    f"({'9' * 400},)", "(" * 90 + ")" * 90, "(6, 4.5)",
)  # fmt: skip
_DTYPES: Sequence[str] = ("|b1", "<f8", "|O", "<i8", "|V9", "<U9", "zzz", "<m8[s]", "<c16", "[]")

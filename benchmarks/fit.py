"""CPU seconds and memory of memory answers: ``wse fit`` on large models, with table and solve.

    python benchmarks/fit.py

Each question is asked in a process of its own that has imported torch. Building an optimizer makes
torch import its own compiler (``torch._dynamo``), which no question needs; that is timed by itself.
Of three processes the quickest counts. Memory is the peak beyond that of ``import torch``.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch

PROCESSES: Final = 3
STREAMED: Final = ("--mode", "weight-streaming")
QUESTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "gpt2-xl": ("gpt2-xl",),
    "gpt2-xl, batch 96": ("gpt2-xl", "--batch-size", "96", "--seq-len", "1024"),
    "gpt2-xl, all optimizers": ("gpt2-xl", "--all-optimizers", "--no-levers"),
    "gpt2-xl, largest batch": ("gpt2-xl", "--solve", "batch", "--no-levers", *STREAMED),
    "llama2-70b": ("llama2-70b",),
    "llama2-70b, streamed": ("llama2-70b", "--batch-size", "8", "--precision", "mixed", *STREAMED),
}


def ask(arguments: tuple[str, ...]) -> dict[str, float]:
    """Answer one question in this process."""
    begin, imported = time.process_time(), _peak_mib()
    importlib.import_module("torch._dynamo")
    compiler = time.process_time()
    from wse_emulator.cli.main import exit_code_of  # noqa: PLC0415 - its import is part of the answer

    with contextlib.redirect_stdout(io.StringIO()):
        code = exit_code_of(["fit", *arguments, "--quiet"])
    if code not in (0, 3):
        raise SystemExit(f"wse fit {' '.join(arguments)} ends with {code}")
    return {
        "compiler": compiler - begin,
        "fit": time.process_time() - compiler,
        "peak_mib": _peak_mib() - imported,
    }


def _peak_mib() -> float:
    """Most memory the process has held so far."""
    status = Path("/proc/self/status").read_text(encoding="ascii")  # ru_maxrss has the parent's
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--ask", choices=QUESTIONS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ask:
        torch.set_num_threads(1)
        print(json.dumps(ask(QUESTIONS[options.ask])))
        return
    print("wse fit, AdamW, WSE-2; CPU seconds beyond `import torch`")
    print("question                  torch's compiler    fit    sum  peak MiB")
    for name in QUESTIONS:
        command = [sys.executable, "-P", __file__, "--ask", name]
        answers = [
            json.loads(subprocess.check_output(command, text=True)) for _ in range(PROCESSES)
        ]
        answer = min(answers, key=lambda a: a["compiler"] + a["fit"])
        total = answer["compiler"] + answer["fit"]
        print(
            f"{name:<25} {answer['compiler']:16.2f} {answer['fit']:6.2f} {total:6.2f} "
            f"{answer['peak_mib']:9.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()

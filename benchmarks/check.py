"""``wse check`` without values against with values (``--real``), measured side by side.

    python benchmarks/check.py                        # 12 layers of 2048 x 2048, 50 M parameters
    python benchmarks/check.py --layers 2 --size 512

Each measurement is a process of its own that imports torch first. Reported are the CPU seconds and
the growth of the peak memory from there on, and the ratio with values over without.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

FACTORY = """
import torch
import optimizers

def make():
    layers = (torch.nn.Linear({size}, {size}) for _ in range({layers}))
    model = torch.nn.Sequential(*layers)
    return optimizers.AdamW(model.parameters()), model
"""

MEASURE = """
import json, resource, sys, time
import torch, torch._dynamo

def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

begin, held = time.process_time(), peak_bytes()
from wse_emulator.questions.check import check_factory
report = check_factory(sys.argv[1], real=sys.argv[2] == "real")
assert report.legal, report.verdict
print(json.dumps([time.process_time() - begin, peak_bytes() - held]))
"""


def measured(factory: str, how: str) -> tuple[float, int]:
    """CPU seconds and growth of the peak memory in bytes of one check."""
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, factory, how],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
    )
    seconds, grown = json.loads(done.stdout.splitlines()[-1])
    return float(seconds), int(grown)


def main() -> None:
    """Measure both ways in turn and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "factory_of_benchmark.py"
        file.write_text(FACTORY.format(size=asked.size, layers=asked.layers))
        for _ in range(asked.rounds):
            bare, bare_bytes = measured(f"{file}:make", "bare")
            real, real_bytes = measured(f"{file}:make", "real")
            print(
                f"without values {bare:.2f} CPU s, {bare_bytes:,} B more; with values "
                f"{real:.2f} CPU s, {real_bytes:,} B more; ratio {real / bare:.1f}"
            )


if __name__ == "__main__":
    main()

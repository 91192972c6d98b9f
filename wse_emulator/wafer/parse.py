"""Read what a user writes after ``--wafer``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from wse_emulator.errors import WaferSpecError
from wse_emulator.wafer.machine_file import preset, read_machine, with_settings
from wse_emulator.wafer.spec import WaferSpec

_SIZE = re.compile(r"(-?\d+)x(-?\d+)", re.ASCII)


def parse_wafer(text: str, overrides: Sequence[str] = ()) -> WaferSpec:
    """The machine that ``text`` names, with ``FIELD=VALUE`` overrides applied.

    Args:
        text: a preset (``wse2``), a machine file (``mine.json``), or either cut to
            rows x columns (``wse2:64x48``).
        overrides: settings as :func:`with_settings` takes them; applied after the cut.

    Raises:
        UnknownNameError: no such preset.
        MalformedFileError: the machine file cannot be read.
        WaferSpecError: a field is unknown or impossible, or the cut exceeds the machine.
    """
    name, colon, size = text.strip().rpartition(":")
    if not colon or size.lower().endswith(".json"):
        name, colon = text.strip(), ""
    spec = read_machine(Path(name)) if name.lower().endswith(".json") else preset(name)
    if colon:
        match = _SIZE.fullmatch(size.strip().lower())
        if match is None:
            raise WaferSpecError(
                f"{text!r}: write the cut as ROWSxCOLS after the colon, as {name}:64x48"
            )
        spec = spec.scaled(int(match[1]), int(match[2]))
    return with_settings(spec, overrides)

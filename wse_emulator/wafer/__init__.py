"""The machine: its figures and their sources, the presets, and machines that users describe."""

from wse_emulator.wafer.machine_file import machine_document, read_machine, with_settings
from wse_emulator.wafer.parse import parse_wafer
from wse_emulator.wafer.presets import PRESETS, WSE1, WSE2, WSE3, WSE3_SILICON
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

__all__ = [
    "PRESETS",
    "WSE1",
    "WSE2",
    "WSE3",
    "WSE3_SILICON",
    "Region",
    "WaferSpec",
    "machine_document",
    "parse_wafer",
    "read_machine",
    "with_settings",
]

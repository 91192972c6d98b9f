"""The presets: one file a generation, each figure with its source.

Every file of this folder is imported and registers its machines, so a new generation is a new
file here and nothing else. Where documents disagree a preset takes the one its source names, and
the field can be set (``--set FIELD=VALUE`` or a machine file).
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Final

from wse_emulator.wafer import registry

for _file in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_file.name}")

PRESETS: Final = registry.machines()
"""Preset name -> machine."""

WSE1: Final = PRESETS["wse1"]
WSE2: Final = PRESETS["wse2"]
WSE3: Final = PRESETS["wse3"]
WSE3_SILICON: Final = PRESETS["wse3-silicon"]

"""The model families: a file each, with its layers, its example inputs and how it is made.

Every file of this folder is imported, and registers what it makes with
:func:`wse_emulator.models.registry.published` and :func:`~wse_emulator.models.registry.configured`.
"""

from __future__ import annotations

import importlib
import pkgutil

for _file in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_file.name}")

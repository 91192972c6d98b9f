"""Import and call a user's own function, given as ``module:factory``."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Final

import torch
from torch import nn

from wse_emulator.errors import FactoryError
from wse_emulator.models.modules import shapes_of_module
from wse_emulator.models.shapes import ModelShapes

LEAVING: Final = (SystemExit, GeneratorExit)
"""What code of a user may raise beside errors; an interrupt stays the user's own."""


def import_factory(text: str) -> Callable[[], object]:
    """Import the function that ``module:factory`` or ``folder/file.py:factory`` names.

    The current folder is searched too, as with ``python -m``.

    Raises:
        FactoryError: no such module or function, or its import raises.
    """
    module_name, _, attribute = text.rpartition(":")
    if not module_name or not attribute:
        raise FactoryError(f"{text!r} is not of the form module:factory or file.py:factory")
    module = _import(module_name)
    found: object = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            names = sorted(n for n, v in vars(module).items() if callable(v) and n[0] != "_")
            raise FactoryError(
                f"module {module_name!r} has no {attribute!r}; it has {', '.join(names[:12])}"
            )
        found = getattr(found, part)
    if not callable(found):
        raise FactoryError(f"{text} is a {type(found).__name__}, not a function to call")
    return found


def call_factory(text: str) -> object:
    """Call the factory without arguments, under the current torch device.

    What it prints goes to standard error, because standard output is for the answer.

    Raises:
        FactoryError: it cannot be imported or raises.
    """
    factory = import_factory(text)
    try:
        with redirect_stdout(sys.stderr):
            return factory()
    except (Exception, *LEAVING) as error:
        raise FactoryError(f"{text} raised {type(error).__name__}: {error}") from error


def load_factory_model(text: str) -> ModelShapes:
    """Build the model of a factory on the meta device, where nothing is allocated.

    Raises:
        FactoryError: the factory fails or returns no ``nn.Module``.
    """

    def build() -> nn.Module:
        with torch.device("meta"):
            module = call_factory(text)
        if not isinstance(module, nn.Module):
            raise FactoryError(
                f"{text} returned {type(module).__name__}; a model factory returns an nn.Module"
            )
        return module

    return shapes_of_module(build(), text, f"factory {text}", build=build)


def _import(name: str) -> object:
    path = Path(name)
    try:
        if path.suffix == ".py":
            if not path.is_file():
                raise FactoryError(f"there is no file {name}")
            spec = importlib.util.spec_from_file_location(path.stem, path)
            if spec is None or spec.loader is None:
                raise FactoryError(f"{name} cannot be imported as Python")
            module = importlib.util.module_from_spec(spec)
            sys.modules[path.stem] = module
            with redirect_stdout(sys.stderr):
                spec.loader.exec_module(module)
            return module
        here = str(Path.cwd())
        if here not in sys.path:
            sys.path.insert(0, here)
        with redirect_stdout(sys.stderr):
            return importlib.import_module(name)
    except FactoryError:
        raise
    except (Exception, *LEAVING) as error:
        raise FactoryError(
            f"module {name!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error

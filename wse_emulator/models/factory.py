"""Import and call a user's own function, given as ``module:factory``."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Final

from wse_emulator.errors import FactoryError, near
from wse_emulator.models.module_names import names_of_file, source_of_module

LEAVING: Final = (SystemExit, GeneratorExit)
"""What code of a user may raise beside errors; an interrupt stays the user's own."""

_LISTED: Final = 12


def require_factory(text: str) -> None:
    """Refuse a text that can name no factory, without importing what it names.

    Most modules of users import torch, which takes seconds; a misspelt name is told at once. What
    cannot be told from the source of a module is left to :func:`import_factory`.

    Raises:
        FactoryError: there is no such file or module, or no such name in it.
    """
    module_name, attribute = _parts(text)
    if module_name in sys.modules:
        return
    file = source_of_module(module_name)
    names = None if file is None else names_of_file(file)
    if names is not None and attribute.partition(".")[0] not in names:
        raise _no_such(module_name, attribute, names)


def import_factory(text: str) -> Callable[..., object]:
    """Import the function that ``module:factory`` or ``folder/file.py:factory`` names.

    The current folder is searched too, as with ``python -m``.

    Raises:
        FactoryError: no such module or function, or its import raises.
    """
    require_factory(text)
    module_name, attribute = _parts(text)
    module = _import(module_name)
    found: object = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise _no_such(
                module_name, attribute, [n for n, v in vars(module).items() if callable(v)]
            )
        found = getattr(found, part)
    if not callable(found):
        raise FactoryError(f"{text} is a {type(found).__name__}, not a function to call")
    return found


def call_factory(text: str, factory: Callable[[], object] | None = None) -> object:
    """Call the factory without arguments, under the current torch device.

    What it prints goes to standard error, because standard output is for the answer.

    Args:
        text: names it in messages.
        factory: what :func:`import_factory` has found for ``text``; default: it is imported.

    Raises:
        FactoryError: it cannot be imported or raises.
    """
    factory = factory or import_factory(text)
    try:
        with redirect_stdout(sys.stderr):
            return factory()
    except (Exception, *LEAVING) as error:
        raise FactoryError(f"{text} raised {type(error).__name__}: {error}") from error


def _parts(text: str) -> tuple[str, str]:
    module_name, _, attribute = text.rpartition(":")
    if not module_name or not attribute:
        raise FactoryError(f"{text!r} is not of the form module:factory or file.py:factory")
    return module_name, attribute


def _no_such(module_name: str, attribute: str, names: list[str]) -> FactoryError:
    # classes last: of AdamW and its file adamw, the nearest name is the class
    public = sorted((name for name in names if not name.startswith("_")), key=str.swapcase)
    what = f"module {module_name!r} has no {attribute!r}"
    return FactoryError(
        what + (near(attribute, public) or f"; it has {', '.join(sorted(public)[:_LISTED])}")
    )


def _import(name: str) -> object:
    path = Path(name)
    try:
        if path.suffix == ".py":
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
        raise _not_imported(name, error) from error


def _not_imported(name: str, error: BaseException) -> FactoryError:
    return FactoryError(f"module {name!r} cannot be imported: {type(error).__name__}: {error}")

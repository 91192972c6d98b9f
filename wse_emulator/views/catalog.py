"""All views of a result by name, found by importing every file of this folder."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Final

from wse_emulator import views
from wse_emulator.errors import UnknownNameError, nearest
from wse_emulator.views.registry import announced, registered_views

for _file in pkgutil.iter_modules(views.__path__):
    if _file.name != "catalog":
        importlib.import_module(f"{views.__name__}.{_file.name}")

VIEWS: Final = registered_views()
"""View name -> view, in the order of the report."""

QUESTIONS: Final[Mapping[str, str]] = {
    **{view.name: view.question for view in VIEWS.values()},
    **announced(),
}
"""Everything that ``wse plot`` draws -> the question it answers. The last ones are in no report:
one emulates the step again, the other moves."""


def check_view_name(name: str) -> None:
    """See that ``wse plot`` draws a view of this name.

    Raises:
        UnknownNameError: it does not; names the nearest.
    """
    if name not in QUESTIONS:
        close = nearest(name, QUESTIONS, 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UnknownNameError(
            f"no view is called {name!r}{hint}; there are: {', '.join(QUESTIONS)}"
        )

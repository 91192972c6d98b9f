"""How far the work is: the type of what is told, and the default that tells nobody."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[str], object]
"""A function that is called with the name of each stage of the work as the stage begins.

``print`` is one, and so is the ``append`` of a list. What it returns is not looked at.
"""


def silent(stage: str) -> None:
    """Tell nobody; the default wherever a :data:`Tell` is taken.

    Args:
        stage: the name of the stage that begins.
    """

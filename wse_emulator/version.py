"""The version of the package: of what is installed, or of the source tree that is imported."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

DISTRIBUTION: Final = "wse-emulator"


def package_version() -> str:
    """The version, as ``wse --version`` prints it; ``unknown`` for a copy without any record."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        pass
    try:
        project = tomllib.loads(
            (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
        )
        return str(project["project"]["version"])
    except (OSError, ValueError, KeyError):
        return "unknown"

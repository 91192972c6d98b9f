"""docs/pipeline.md describes the rooms on disk, on the floors of the import contract."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "wse_emulator"
PAGE = (ROOT / "docs" / "pipeline.md").read_text(encoding="utf-8")


def documented_floors() -> list[set[str]]:
    """The rooms of each floor, the top floor first."""
    floors: dict[int, set[str]] = {}
    for floor, room in re.findall(r"^\| (\d+) \| `(\w+)` \|", PAGE, re.MULTILINE):
        floors.setdefault(int(floor), set()).add(room)
    assert list(floors) == list(range(len(floors), 0, -1))
    return list(floors.values())


def contract_floors() -> list[set[str]]:
    """The layers of the import contract, the top layer first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = (
        contract["layers"]
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract.get("containers") == ["wse_emulator"]
    )
    return [set(layer.split(" | ")) for layer in layers]


def test_the_page_and_the_import_contract_have_the_same_floors() -> None:
    assert documented_floors() == contract_floors()


def test_the_page_lists_every_room_on_disk() -> None:
    files = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    folders = {path.parent.name for path in PACKAGE.glob("*/*.py")}
    assert set().union(*documented_floors()) == files | folders


def test_every_file_that_the_page_names_exists() -> None:
    named = re.findall(r"`((?:\w+/)+\w+\.py)`", PAGE)
    assert named
    assert [name for name in named if not (PACKAGE / name).is_file()] == []

"""docs/optimizers.md lists every static-state rule, with the class of its error."""

from __future__ import annotations

import re
from pathlib import Path

from wse_emulator import errors

PAGE = (Path(__file__).parents[2] / "docs" / "optimizers.md").read_text(encoding="utf-8")


def test_every_rule_is_listed_with_its_error() -> None:
    listed = set(re.findall(r"^\| `([a-z-]+)` \| `(\w+Error)` \|", PAGE, re.MULTILINE))
    defined = {
        (kind.rule, name)
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and errors.StaticRuleError in kind.__bases__
    }
    assert listed == defined

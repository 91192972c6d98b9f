"""Every rule that the code cites stands in docs/machine_rules.md, under the cited number."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
RULES = (ROOT / "docs" / "machine_rules.md").read_text(encoding="utf-8")
DEFINED = set(re.findall(r"^- \*\*\[(\d\.\d+)\]", RULES, re.MULTILINE))

CITATION = re.compile(r"\[(\d\.\d+(?:, \d\.\d+)*)\]")
OTHER_FORM = re.compile(
    r"(?<!\d, )\bsection \d|machine semantics|of the semantics|\(\d\.\d\)|(?<!\w)\[\d\]"
)
PLACES = ("activities.py", "engines", "collectives", "wafer", "placement", "lowering")


def prose(path: Path) -> Iterator[str]:
    """Comments and docstrings of a file."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        documents = token.type == tokenize.STRING and token.string.startswith('"""')
        if documents or token.type == tokenize.COMMENT:
            yield token.string


def files() -> list[Path]:
    """What may cite a rule."""
    package = [ROOT / "wse_emulator" / place for place in PLACES]
    return sorted(
        path
        for place in (*package, ROOT / "tests" / "engines")
        for path in ([place] if place.suffix else place.rglob("*.py"))
    )


def test_every_cited_rule_is_in_the_document() -> None:
    cited = {
        (number, path.relative_to(ROOT).as_posix())
        for path in files()
        for text in prose(path)
        for group in CITATION.findall(text)
        for number in group.split(", ")
    }
    assert len(cited) > 40  # the engines cite them throughout
    assert {one for one in cited if one[0] not in DEFINED} == set()


def test_rules_are_cited_in_one_form() -> None:
    other = {
        (path.relative_to(ROOT).as_posix(), found)
        for path in files()
        for text in prose(path)
        for found in OTHER_FORM.findall(text)
    }
    assert other == set()


def test_rules_are_numbered_without_a_gap() -> None:
    numbers = [
        tuple(map(int, number.split("."))) for number in re.findall(r"\*\*\[(\d\.\d+)\]", RULES)
    ]
    for chapter in {chapter for chapter, _ in numbers}:
        within = [rule for number, rule in numbers if number == chapter]
        assert within == list(range(1, len(within) + 1))


def test_rules_refer_to_rules() -> None:
    for group in CITATION.findall(RULES):
        assert set(group.split(", ")) <= DEFINED

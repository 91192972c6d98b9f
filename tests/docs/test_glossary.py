"""docs/glossary.md defines the words of the project, once each, where a reader looks for them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
TERMS = re.findall(r"^\*\*(.+?)\*\*", PAGE, re.MULTILINE)

OWN_WORDS = {
    "chain", "collective", "color", "hop", "launch", "lever", "micro-batch", "panel", "PE",
    "pipelined", "ramp", "region", "segment", "shard", "stage", "strip", "trust ratio", "visit",
    "wavelet", "weight streaming",
}  # fmt: skip


def test_terms_stand_in_alphabetical_order() -> None:
    assert [term.lower() for term in TERMS] == sorted({term.lower() for term in TERMS})


def test_every_word_of_the_output_is_defined() -> None:
    assert OWN_WORDS - set(TERMS) == set()


def test_every_term_is_used_somewhere_else() -> None:
    """A definition of a word that nothing uses is left over."""
    places = [ROOT / name for name in ("wse_emulator", "optimizers", "docs")]
    files = [path for place in places for path in place.rglob("*.*")]
    kept = [p for p in files if p.suffix in (".py", ".md") and p.name != "glossary.md"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in kept).lower()
    spelled = {term: re.compile(rf"\b{re.escape(term.lower())}").search(text) for term in TERMS}
    assert {term for term, found in spelled.items() if found is None} == set()


def test_a_reference_to_a_term_leads_to_its_definition() -> None:
    referred = set(re.findall(r"(?<!\*)\*(\w[\w -]*)\*(?!\*)", PAGE))
    assert {term for term in referred if term not in TERMS} - {"temporary", "PE engine"} == set()

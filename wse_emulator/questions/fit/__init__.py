"""Does it fit? The question (`answer.py`), its judgement, and what would change it."""

"""Other names of the built-in models: how they are spelled elsewhere, and at the Hugging Face hub.

Nothing is looked up. A name stands for the shapes of a built-in model only if it is listed here,
with or without the owner before it and the words after it that say how it was trained.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

SAME_SHAPES: Final[Mapping[str, tuple[str, ...]]] = {
    "bert-base": ("google-bert/bert-base-uncased", "bert-base-uncased"),
    "bert-large": ("google-bert/bert-large-uncased", "bert-large-uncased"),
    "cerebras-gpt-111M": ("cerebras/Cerebras-GPT-111M",),
    "cerebras-gpt-1.3B": ("cerebras/Cerebras-GPT-1.3B",),
    "cerebras-gpt-13B": ("cerebras/Cerebras-GPT-13B",),
    "gemma-7b": ("google/gemma-7b",),
    "gemma2-2b": ("google/gemma-2-2b",),
    "gemma2-9b": ("google/gemma-2-9b",),
    "gpt-j-6b": ("EleutherAI/gpt-j-6B", "gptj-6b"),
    "gpt2": ("openai-community/gpt2", "gpt2-small"),
    "gpt2-large": ("openai-community/gpt2-large",),
    "gpt2-medium": ("openai-community/gpt2-medium",),
    "gpt2-xl": ("openai-community/gpt2-xl",),
    "llama-13b": ("meta-llama/Llama-2-13b", "huggyllama/llama-13b", "llama1-13b"),
    "llama-7b": ("meta-llama/Llama-2-7b", "huggyllama/llama-7b", "llama1-7b"),
    "llama2-70b": ("meta-llama/Llama-2-70b",),
    "llama3-70b": (
        "meta-llama/Meta-Llama-3-70B",
        "meta-llama/Llama-3.1-70B",
        "meta-llama/Meta-Llama-3.1-70B",
        "meta-llama/Llama-3.3-70B",
        "llama-3-70b",
    ),
    "llama3-8b": (
        "meta-llama/Meta-Llama-3-8B",
        "meta-llama/Llama-3.1-8B",
        "meta-llama/Meta-Llama-3.1-8B",
        "llama-3-8b",
    ),
    "llama3.2-1b": ("meta-llama/Llama-3.2-1B",),
    "llama3.2-3b": ("meta-llama/Llama-3.2-3B",),
    "mistral-7b": (
        "mistralai/Mistral-7B-v0.1",
        "mistralai/Mistral-7B-Instruct-v0.1",
        "mistralai/Mistral-7B-v0.2",
        "mistralai/Mistral-7B-Instruct-v0.2",
    ),
    "mixtral-8x7b": ("mistralai/Mixtral-8x7B-v0.1", "mistralai/Mixtral-8x7B-Instruct-v0.1"),
    "opt-1.3b": ("facebook/opt-1.3b",),
    "opt-125m": ("facebook/opt-125m",),
    "phi-2": ("microsoft/phi-2",),
    "phi-3-mini": ("microsoft/Phi-3-mini-4k", "microsoft/Phi-3-mini-128k"),
    "qwen2.5-0.5b": ("Qwen/Qwen2.5-0.5B", "Qwen/Qwen2-0.5B"),
    "qwen2.5-7b": ("Qwen/Qwen2.5-7B", "Qwen/Qwen2-7B"),
    "qwen3-8b": ("Qwen/Qwen3-8B",),
    "t5-3b": ("google-t5/t5-3b",),
    "t5-base": ("google-t5/t5-base",),
    "t5-small": ("google-t5/t5-small",),
    "timm-vit-base-patch16-224": ("timm/vit_base_patch16_224", "vit-base-patch16-224"),
    "tinyllama-1.1b": (
        "TinyLlama/TinyLlama-1.1B-intermediate-step-1431k-3T",
        "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
        "TinyLlama-1.1B",
    ),
    "tv-resnet50": ("timm/resnet50", "microsoft/resnet-50", "resnet50"),
}
"""Built-in model -> models of the same shapes, by their names elsewhere."""

_TRAINED: Final = frozenset({"hf", "chat", "instruct", "it", "base", "pt"})
"""What follows a name and changes no shape."""


def spelling(name: str) -> str:
    """A name without what its spellings differ in: case, and what stands between words.

    Example:
        >>> spelling("LLaMA-2 7B") == spelling("llama2-7b")
        True
    """
    return re.sub(r"[-_ ]", "", name.strip().lower())


def spellings(text: str) -> tuple[str, ...]:
    """How a name that a user types may be listed: as it is, and without how it was trained.

    Example:
        >>> spellings("Llama-2-7b-chat-hf")
        ('llama27bchathf', 'llama27bchat', 'llama27b')
    """
    words = re.split(r"[-_ ]", text.strip().lower())
    found = ["".join(words)]
    while len(words) > 1 and words[-1] in _TRAINED:
        words.pop()
        found.append("".join(words))
    return tuple(found)


def aliases_of(builtin: str) -> frozenset[str]:
    """The spellings of a built-in model: its own, those at the hub, and those without the owner."""
    names = [builtin, *SAME_SHAPES.get(builtin, ())]
    names += [name.rpartition("/")[2] for name in names]
    return frozenset(spelling(name) for name in names)

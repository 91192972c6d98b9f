"""Names as people spell them stand for the built-in shapes; nothing is looked up."""

from __future__ import annotations

import pytest

from wse_emulator.errors import MalformedFileError, UnknownNameError
from wse_emulator.models.aliases import SAME_SHAPES, aliases_of
from wse_emulator.models.catalog import (
    builtin_model,
    builtin_named,
    builtin_names,
    check_model_name,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("llama-2-7b", "llama-7b"),
        ("llama2-7b", "llama-7b"),
        ("LLaMA-2 7B", "llama-7b"),
        ("Llama-2-7b-hf", "llama-7b"),
        ("meta-llama/Llama-2-7b-chat-hf", "llama-7b"),
        ("llama-2-13b", "llama-13b"),
        ("llama3_70b", "llama3-70b"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama3-70b"),
        ("Qwen/Qwen2.5-0.5B-Instruct", "qwen2.5-0.5b"),
        ("google/gemma-2-9b-it", "gemma2-9b"),
        ("microsoft/Phi-3-mini-4k-instruct", "phi-3-mini"),
        ("microsoft/phi-2", "phi-2"),
        ("GPT2-XL", "gpt2-xl"),
        ("resnet50", "tv-resnet50"),
        ("google-bert/bert-base-uncased", "bert-base"),
    ],
)
def test_spellings_name_the_built_in_model(text: str, name: str) -> None:
    check_model_name(text)
    assert builtin_named(text) == name


@pytest.mark.parametrize("text", ["t5", "bert", "llama", "gemma-2b", "Mistral-7B-Instruct-v0.3"])
def test_names_of_other_shapes_name_none(text: str) -> None:
    assert builtin_named(text) is None


def test_no_spelling_names_two_models() -> None:
    found: dict[str, str] = {}
    for name in builtin_names():
        for alias in aliases_of(name):
            assert found.setdefault(alias, name) == name
    assert SAME_SHAPES.keys() <= set(builtin_names())


@pytest.mark.parametrize("text", ["Qwen/Qwen2.5-14B", "mistralai/Mistral-7B-v0.3"])
def test_an_unknown_name_of_a_hub_is_told_to_give_its_config(text: str) -> None:
    with pytest.raises(UnknownNameError, match=r"nothing is looked up at a hub.*config\.json"):
        check_model_name(text)


def test_a_path_that_is_missing_is_no_name_of_a_hub() -> None:
    with pytest.raises(MalformedFileError, match="no such file"):
        check_model_name("models/mine.json")


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("llama3-70b", 70_553_706_496),
        ("llama3.2-1b", 1_235_814_400),
        ("llama3.2-3b", 3_212_749_824),
        ("qwen2.5-0.5b", 494_032_768),
        ("qwen2.5-7b", 7_615_616_512),
        ("qwen3-8b", 8_190_735_360),
        ("gemma-7b", 8_537_680_896),
        ("gemma2-2b", 2_614_341_888),
        ("gemma2-9b", 9_241_705_984),
        ("phi-2", 2_779_683_840),
        ("phi-3-mini", 3_821_079_552),
    ],
)
def test_built_in_models_have_the_published_number_of_parameters(
    name: str, parameters: int
) -> None:
    assert builtin_model(name).total_elements == parameters

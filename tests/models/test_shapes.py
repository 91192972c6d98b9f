"""Shapes files and built-in models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wse_emulator.errors import InputError, MalformedFileError, UnknownNameError
from wse_emulator.models.catalog import builtin_model, builtin_names
from wse_emulator.models.load import load_model
from wse_emulator.models.modules import MetaModel
from wse_emulator.models.shapes import parse_shapes
from wse_emulator.questions.fit.answer import fit

MODELS = Path(__file__).parents[2] / "wse_emulator" / "models"

PUBLISHED_PARAMETERS = {
    # counts of the published checkpoints, tied parameters once
    "bert-base": 110_106_428,
    "bert-large": 336_226_108,
    "cerebras-gpt-1.3B": 1_315_723_264,
    "cerebras-gpt-111M": 111_050_496,
    "cerebras-gpt-13B": 12_853_386_240,
    "gpt-j-6b": 6_050_882_784,
    "gpt2": 124_439_808,
    "gpt2-medium": 354_823_168,
    "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
    "llama-7b": 6_738_415_616,
    "llama-13b": 13_015_864_320,
    "llama2-70b": 68_976_648_192,
    "llama3-8b": 8_030_261_248,
    "mistral-7b": 7_241_732_096,
    "mixtral-8x7b": 46_702_792_704,
    "opt-125m": 125_239_296,
    "opt-1.3b": 1_315_758_080,
    "t5-small": 60_506_624,
    "t5-base": 222_903_552,
    "t5-3b": 2_851_598_336,
    "timm-vit-base-patch16-224": 86_567_656,
    "tinyllama-1.1b": 1_100_048_384,
    "tv-resnet50": 25_557_032,
}


@pytest.mark.parametrize("name", builtin_names())
def test_builtin_models_have_the_published_number_of_parameters(name: str):
    model = builtin_model(name)
    stated = json.loads((MODELS / f"{model.name}.json").read_text())["n_params"]
    assert model.total_elements == stated
    assert model.total_elements == PUBLISHED_PARAMETERS.get(name, stated)
    kept = {p.name for p in model.parameters}
    assert all(other not in kept and first in kept for other, first in model.tied)


def test_names_are_found_in_any_case_and_by_alias():
    assert load_model("GPT2-XL") == builtin_model("gpt2-xl")
    assert load_model("cerebras-gpt-1.3b").name == "cerebras-gpt-1.3B"
    assert load_model("resnet50").total_elements == 25_557_032


def test_an_unknown_name_brings_the_nearest():
    with pytest.raises(UnknownNameError, match="gpt2-xl"):
        load_model("gpt2-xxl")


def test_a_list_and_an_object_of_triples_are_the_same_model(tmp_path: Path):
    triples = [["h.0.w", [7, 5], "float32"], ["h.0.b", [], "bfloat16"], ["h.1.w", [0], "float16"]]
    plain, titled = tmp_path / "plain.json", tmp_path / "titled.json"
    plain.write_text(json.dumps(triples))
    titled.write_text(json.dumps({"name": "mine", "params": triples, "tied": [["x", "h.0.w"]]}))
    assert load_model(str(plain)).parameters == load_model(str(titled)).parameters
    model = load_model(str(titled))
    assert (model.name, model.tied, model.total_elements) == ("mine", (("x", "h.0.w"),), 36)
    meta = dict(MetaModel(model.parameters).named_parameters())
    assert list(meta) == ["h.0.w", "h.0.b", "h.1.w"]
    assert all(p.device.type == "meta" for p in meta.values())
    assert meta["h.0.b"].shape == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "empty"),
        ("{}", "no list of parameters"),
        ('{"params": 3}', "no list of parameters"),
        ("[", "not JSON"),
        ("", "not JSON"),
        ('[["w", [-1], "float32"]]', "negative"),
        ('[["w", [1.5], "float32"]]', "whole numbers"),
        ('[["w", [true], "float32"]]', "whole numbers"),
        ('[["w", "12", "float32"]]', "whole numbers"),
        ('[["w", [NaN], "float32"]]', "no JSON number"),
        ('[["w", [99999999999, 99999999999], "float32"]]', "impossibly large"),
        ('[["w", [1], "complex7"]]', "dtype"),
        ('[["w", [1], "int32"]]', "dtype"),
        ('[["w", [1]]]', "expected"),
        ('[["", [1], "float32"]]', "name"),
        ('[["w", [1], "float32"], ["w", [2], "float32"]]', "twice"),
        ('{"params": [["w", [1], "float32"]], "tied": ["w"]}', "tied"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_malformed_file_is_named_with_what_is_wrong(tmp_path: Path, text: str, message: str):
    path = tmp_path / "model.json"
    path.write_text(text)
    with pytest.raises(MalformedFileError, match=message) as error:
        load_model(str(path))
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_binary_and_huge_files(tmp_path: Path):
    with pytest.raises(MalformedFileError, match="no such file"):
        load_model(str(tmp_path / "none.json"))
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MalformedFileError, match="UTF-8"):
        load_model(str(binary))
    huge = tmp_path / "huge.json"
    with huge.open("wb") as stream:
        stream.truncate(100 * 2**20)  # sparse: takes no space
    with pytest.raises(MalformedFileError, match="more than a model description"):
        load_model(str(huge))
    with pytest.raises(MalformedFileError, match=r"without a config\.json"):
        load_model(str(tmp_path))


@pytest.mark.parametrize(
    "shape", [[2**62], [3037000499, 3037000499], [2**70, 0], [1] * 65, [2**61, 0]]
)
def test_a_shape_beyond_what_torch_counts(shape: list[int]) -> None:
    with pytest.raises(MalformedFileError, match="impossibly large"):
        parse_shapes([["a", shape, "float32"]], "a", "a")


@pytest.mark.parametrize("wafer", ["wse2:1x1", "wse2:4x4"])
def test_a_model_beyond_counting_is_no_answer(wafer: str) -> None:
    """Its bytes over all PEs do not go into 64 bits: no number of an answer would be true."""
    model = parse_shapes([["a", [10**9, 10**9], "float32"]], "a", "a")
    with pytest.raises(InputError, match="which no machine has"):
        fit(model, wafer=wafer, levers=False)
    assert not fit(parse_shapes([["a", [10**9, 10**8], "float32"]], "a", "a"), wafer=wafer).fits

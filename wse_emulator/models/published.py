"""From the configuration of a published model to its layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import nn

from wse_emulator.models.block import BlockFacts
from wse_emulator.models.language import Decoder, Encoder, EncoderDecoder, LanguageFacts
from wse_emulator.models.vision import ResidualNetwork, VisionFacts, VisionTransformer

Config = Mapping[str, object]


def build_published(architecture: str, config: Config) -> nn.Module | None:
    """The layers of a built-in model on the meta device; None for an unknown architecture.

    Args:
        architecture: class of the model, as its source names it (``GPT2LMHeadModel``).
        config: its configuration, in the words of the same source.
    """
    maker = _MAKERS.get(architecture)
    if maker is None:
        return None
    with torch.device("meta"):
        return maker(config)


def _size(config: Config, name: str, default: int | None = None) -> int:
    value = config.get(name, default)
    if value is None:
        value = default
    assert isinstance(value, int), name
    return value


def _gpt2(config: Config) -> nn.Module:
    hidden, heads = _size(config, "n_embd"), _size(config, "n_head")
    positions = _size(config, "n_positions", 1024)
    return Decoder(
        LanguageFacts(
            vocabulary=_size(config, "vocab_size"),
            layers=_size(config, "n_layer"),
            positions=positions,
            sequence=positions,
            block=BlockFacts(
                hidden=hidden,
                heads=heads,
                key_value_heads=heads,
                head_size=hidden // heads,
                inner=_size(config, "n_inner", 4 * hidden),
                dropout=0.1,
                attention_dropout=0.1,
            ),
        )
    )


def _gpt_j(config: Config) -> nn.Module:
    hidden, heads = _size(config, "n_embd"), _size(config, "n_head")
    return Decoder(
        LanguageFacts(
            vocabulary=_size(config, "vocab_size"),
            layers=_size(config, "n_layer"),
            tied=False,
            head_bias=True,
            sequence=_size(config, "n_positions", 2048),
            block=BlockFacts(
                hidden=hidden,
                heads=heads,
                key_value_heads=heads,
                head_size=hidden // heads,
                inner=4 * hidden,
                parallel=True,
                qkv_bias=False,
                out_bias=False,
                rotary=_size(config, "rotary_dim"),
            ),
        )
    )


def _llama(config: Config) -> nn.Module:
    hidden, heads = _size(config, "hidden_size"), _size(config, "num_attention_heads")
    return Decoder(
        LanguageFacts(
            vocabulary=_size(config, "vocab_size"),
            layers=_size(config, "num_hidden_layers"),
            tied=False,
            sequence=_size(config, "max_position_embeddings", 4096),
            block=BlockFacts(
                hidden=hidden,
                heads=heads,
                key_value_heads=_size(config, "num_key_value_heads", heads),
                head_size=hidden // heads,
                inner=_size(config, "intermediate_size"),
                norm="rmsnorm",
                qkv_bias=False,
                out_bias=False,
                ffn_bias=False,
                gated=True,
                activation="silu",
                rotary=hidden // heads,
                experts=_size(config, "num_local_experts", 0),
                experts_per_token=_size(config, "num_experts_per_tok", 0),
            ),
        )
    )


def _opt(config: Config) -> nn.Module:
    hidden, heads = _size(config, "hidden_size"), _size(config, "num_attention_heads")
    return Decoder(
        LanguageFacts(
            vocabulary=_size(config, "vocab_size"),
            layers=_size(config, "num_hidden_layers"),
            positions=2050,  # 2,048 and two that the published embedding keeps unused
            sequence=2048,
            block=BlockFacts(
                hidden=hidden,
                heads=heads,
                key_value_heads=heads,
                head_size=hidden // heads,
                inner=_size(config, "ffn_dim"),
                activation="relu",
                dropout=0.1,
            ),
        )
    )


def _bert(config: Config) -> nn.Module:
    hidden, heads = _size(config, "hidden_size"), _size(config, "num_attention_heads")
    return Encoder(
        LanguageFacts(
            vocabulary=_size(config, "vocab_size"),
            layers=_size(config, "num_hidden_layers"),
            positions=_size(config, "max_position_embeddings", 512),
            sequence=512,
            head_bias=True,
            embedding_norm=True,
            segments=2,
            pooler=True,
            classes=2,
            masked_head=True,
            block=BlockFacts(
                hidden=hidden,
                heads=heads,
                key_value_heads=heads,
                head_size=hidden // heads,
                inner=_size(config, "intermediate_size"),
                norm_first=False,
                dropout=0.1,
                attention_dropout=0.1,
            ),
        )
    )


def _t5(config: Config) -> nn.Module:
    heads = _size(config, "num_heads")
    return EncoderDecoder(
        LanguageFacts(
            vocabulary=_size(config, "vocab_size"),
            layers=_size(config, "num_layers"),
            decoder_layers=_size(config, "num_decoder_layers"),
            relative_buckets=32,
            sequence=512,
            block=BlockFacts(
                hidden=_size(config, "d_model"),
                heads=heads,
                key_value_heads=heads,
                head_size=_size(config, "d_kv"),
                inner=_size(config, "d_ff"),
                norm="rmsnorm",
                qkv_bias=False,
                out_bias=False,
                ffn_bias=False,
                activation="relu",
                dropout=0.1,
                attention_dropout=0.1,
            ),
        )
    )


def _vit_base(config: Config) -> nn.Module:
    del config  # the name says it all
    return VisionTransformer(
        VisionFacts(
            image=(224, 224),
            patch=(16, 16),
            channels=3,
            layers=12,
            classes=1000,
            block=BlockFacts(hidden=768, heads=12, key_value_heads=12, head_size=64, inner=3072),
        )
    )


def _resnet50(config: Config) -> nn.Module:
    del config  # the name says it all
    return ResidualNetwork()


_MAKERS: Final[Mapping[str, Callable[[Config], nn.Module]]] = {
    "GPT2LMHeadModel": _gpt2,
    "GPTJForCausalLM": _gpt_j,
    "LlamaForCausalLM": _llama,
    "MistralForCausalLM": _llama,
    "MixtralForCausalLM": _llama,
    "OPTForCausalLM": _opt,
    "BertForPreTraining": _bert,
    "T5ForConditionalGeneration": _t5,
    "vit_base_patch16_224": _vit_base,
    "resnet50": _resnet50,
}

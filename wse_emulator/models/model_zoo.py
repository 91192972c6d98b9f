"""From the ``model`` section of a Model Zoo run config to its layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import torch
from torch import nn

from wse_emulator.configs.section import Section
from wse_emulator.models.block import Activation, BlockFacts, Norm
from wse_emulator.models.language import Decoder, Encoder, EncoderDecoder, LanguageFacts
from wse_emulator.models.self_distillation import DistillationFacts, build_self_distillation
from wse_emulator.models.vision import VisionFacts, VisionTransformer

ACTIVATIONS: Final[Mapping[str, tuple[Activation, bool]]] = {
    "gelu": ("gelu", False),
    "relu": ("relu", False),
    "silu": ("silu", False),
    "swiglu": ("silu", True),
    "geglu": ("gelu", True),
    "reglu": ("relu", True),
}
"""Name in a config -> (nonlinearity, whether there is a gate)."""

NORMS: Final[Mapping[str, Norm]] = {
    "layernorm": "layernorm",
    "rmsnorm": "rmsnorm",
    "biasless-layernorm": "rmsnorm",  # one weight a channel
}


def build_model_zoo(name: str | None, settings: Section) -> nn.Module:
    """The layers of a run config's model on the meta device.

    The kind follows from the keys, as 1.x configs give no name: two stacks of layers make an
    encoder-decoder, image trunks a self-distillation, patches a vision transformer, an encoder
    nonlinearity BERT; anything else is a decoder.

    Args:
        name: the model's name, where the config gives one.
        settings: its section; every key that the builder asks for counts as used.

    Raises:
        ConfigError: a size is missing or impossible; names the key.
    """
    try:
        with torch.device("meta"):
            return _built(settings, name)
    except RuntimeError as error:  # more bytes than a 64-bit number counts
        raise settings.refused(f"its sizes are impossibly large: {error}") from error


def _built(settings: Section, name: str | None) -> nn.Module:
    if settings.has("image_model_trunks"):
        return _self_distillation(settings)
    if settings.has("patch_size"):
        return VisionTransformer(_vision(settings, settings.get("num_classes", 1000)))
    if settings.has("encoder_num_hidden_layers") or settings.has("d_kv"):
        return _encoder_decoder(settings)
    if settings.has("encoder_nonlinearity") or (name or "").startswith(("bert", "roberta")):
        return _encoder(settings)
    return _decoder(settings, name)


def _block(settings: Section, *, parallel: bool = False, nonlinearity: str = "") -> BlockFacts:
    hidden, heads = settings.size("hidden_size"), settings.size("num_heads")
    extra = settings.section("extra_attention_params")
    word = settings.choice(nonlinearity or "nonlinearity", "gelu", ACTIVATIONS)
    activation, gated = ACTIVATIONS[word]
    if hidden % heads:
        raise settings.refused(f"hidden_size {hidden} is no multiple of num_heads {heads}")
    rotary = settings.get("position_embedding_type", "learned") == "rotary"
    dropout = settings.get("dropout_rate", 0.0)
    moe = settings.section("moe_params")
    return BlockFacts(
        hidden=hidden,
        heads=heads,
        key_value_heads=extra.size("num_kv_groups", heads),
        head_size=hidden // heads,
        inner=settings.size("filter_size", 4 * hidden),
        norm=NORMS[settings.choice("norm_type", "layernorm", NORMS)],
        norm_first=settings.get("norm_first", True),
        parallel=parallel,
        qkv_bias=settings.get("use_projection_bias_in_attention", True),
        out_bias=settings.get("use_ffn_bias_in_attention", True),
        ffn_bias=settings.get("use_ffn_bias", True),
        gated=gated,
        activation=activation,
        experts=moe.get("num_experts", 0),
        experts_per_token=moe.get("top_k", 2),
        rotary=settings.size("rotary_dim", hidden // heads) if rotary else 0,
        layer_scale=settings.has("layerscale_value"),
        dropout=settings.get("residual_dropout_rate", dropout),
        attention_dropout=settings.get("attention_dropout_rate", dropout),
    )


def _decoder(settings: Section, name: str | None) -> nn.Module:
    parallel = (name or "").lower() in ("gptj", "gpt-j", "falcon") or settings.has(
        "residual_dropout_rate"
    )
    if settings.get("use_untied_layer_norm", False):
        parallel = False  # two norms, as in a block of the usual form
    positions = settings.size("max_position_embeddings", 1024)
    learned = settings.get("position_embedding_type", "learned") == "learned"
    return Decoder(
        LanguageFacts(
            vocabulary=settings.size("vocab_size"),
            layers=settings.layers("num_hidden_layers"),
            positions=positions if learned else 0,
            sequence=positions,
            tied=settings.get("share_embedding_weights", True),
            head_bias=settings.get("use_bias_in_output", False),
            embedding_norm=settings.get("embedding_layer_norm", False),
            block=_block(settings, parallel=parallel),
        )
    )


def _encoder(settings: Section) -> nn.Module:
    classes = settings.get("num_labels", 0)
    positions = settings.size("max_position_embeddings", 512)
    block = _block(settings, nonlinearity="encoder_nonlinearity")
    return Encoder(
        LanguageFacts(
            vocabulary=settings.size("vocab_size"),
            layers=settings.layers("num_hidden_layers"),
            positions=positions,
            sequence=positions,
            tied=settings.get("share_embedding_weights", True),
            head_bias=True,
            embedding_norm=True,
            segments=2,
            pooler=True,
            classes=classes or 2,
            masked_head=not classes,
            block=replace(block, norm_first=settings.get("norm_first", False)),
        )
    )


def _encoder_decoder(settings: Section) -> nn.Module:
    heads = settings.size("num_heads")
    layers = settings.layers("encoder_num_hidden_layers", 6)
    word = settings.choice("encoder_nonlinearity", "relu", ACTIVATIONS)
    activation, gated = ACTIVATIONS[word]
    vocabulary = settings.size("src_vocab_size") + settings.get("extra_ids", 0)
    bias = settings.get("use_projection_bias_in_attention", False)
    dropout = settings.get("dropout_rate", 0.1)
    relative = settings.get("position_embedding_type", "relative") == "relative"
    return EncoderDecoder(
        LanguageFacts(
            vocabulary=vocabulary,
            layers=layers,
            decoder_layers=settings.layers("decoder_num_hidden_layers", layers),
            relative_buckets=settings.size("relative_attention_num_buckets", 32) if relative else 0,
            tied=settings.get("share_embedding_weights", True),
            sequence=settings.size("src_max_position_embeddings", 512),
            block=BlockFacts(
                hidden=settings.size("d_model"),
                heads=heads,
                key_value_heads=heads,
                head_size=settings.size("d_kv"),
                inner=settings.size("d_ff"),
                norm=NORMS[settings.choice("norm_type", "rmsnorm", NORMS)],
                qkv_bias=bias,
                out_bias=bias,
                ffn_bias=settings.get("use_ffn_bias", False),
                gated=gated,
                activation=activation,
                dropout=dropout,
                attention_dropout=settings.get("attention_dropout_rate", dropout),
            ),
        )
    )


def _vision(settings: Section, classes: int) -> VisionFacts:
    return VisionFacts(
        image=settings.pair("image_size"),
        patch=settings.pair("patch_size"),
        channels=settings.size("num_channels", 3),
        layers=settings.layers("num_hidden_layers"),
        block=_block(settings),
        classes=classes,
        mask_token=settings.get("use_masked_patches", False),
    )


def _self_distillation(settings: Section) -> nn.Module:
    trunk = settings.first("image_model_trunks", "image_model")
    head = settings.first("heads", "head_model")
    patch = trunk.pair("patch_size")
    local = trunk.section("interpolate_position_embedding")
    patches = local.pair("local_patch_dims") if local.has("local_patch_dims") else (7, 7)
    return build_self_distillation(
        DistillationFacts(
            trunk=_vision(trunk, 0),
            head_hidden=head.size("hidden_size"),
            head_bottleneck=head.size("bottleneck_size"),
            head_out=head.size("output_size"),
            local_image=(patches[0] * patch[0], patches[1] * patch[1]),
        )
    )

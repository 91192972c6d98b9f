"""Any decoder of a Model Zoo run config: GPT, LLaMA, Falcon, BLOOM and their kin."""

from __future__ import annotations

from typing import Final

from torch import nn

from wse_emulator.configs.section import Section
from wse_emulator.models.language import Decoder, LanguageFacts
from wse_emulator.models.registry import configured
from wse_emulator.models.zoo_block import block_of, buckets_of, positions_of, slopes_of

PARALLEL: Final = ("gptj", "gpt-j", "gpt_neox", "falcon")
"""Decoders whose attention and feed-forward network are summed together."""

SEQUENTIAL: Final = (
    *("gpt", "gpt2", "gpt3", "GPT2LMHeadModel", "bloom", "btlm", "gemma2", "jais", "llama"),
    *("llama2", "llama3", "mistral", "mixtral", "mpt", "opt", "santacoder", "starcoder"),
)


@configured(
    "decoder (GPT, LLaMA, Mixtral, Falcon, Gemma 2 and their kin)",
    *PARALLEL,
    *SEQUENTIAL,
    when=lambda _settings: True,
    place=100,
)
def configured_decoder(settings: Section, name: str | None) -> nn.Module:
    """The decoder that a run config describes."""
    parallel = (name or "").lower() in PARALLEL or settings.has("residual_dropout_rate")
    positions = settings.size("max_position_embeddings", 1024)
    kind = positions_of(settings)
    if not settings.get("use_position_embedding", True):
        kind = "none"
    return Decoder(
        LanguageFacts(
            vocabulary=settings.size("vocab_size"),
            layers=settings.layers("num_hidden_layers"),
            positions=positions if kind == "learned" else 0,
            sequence=positions,
            tied=settings.get("share_embedding_weights", True),
            head_bias=settings.get("use_bias_in_output", False),
            embedding_norm=settings.get("embedding_layer_norm", False),
            embedding_dropout=_embedding_dropout(settings),
            softcap=settings.positive("final_logit_softcapping") is not None,
            relative_buckets=buckets_of(settings, kind),
            slopes=slopes_of(settings, kind),
            block=block_of(settings, parallel=parallel),
        )
    )


def _embedding_dropout(settings: Section) -> float | None:
    if not settings.has("embedding_dropout_rate"):
        return None
    return settings.probability("embedding_dropout_rate", 0.0)

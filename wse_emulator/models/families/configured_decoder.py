"""Any decoder of a Model Zoo run config: GPT, LLaMA, Falcon, BLOOM and their kin."""

from __future__ import annotations

from torch import nn

from wse_emulator.configs.section import Section
from wse_emulator.models.language import Decoder, LanguageFacts
from wse_emulator.models.registry import configured
from wse_emulator.models.zoo_block import block_of


@configured(lambda _settings, _name: True, place=100)
def configured_decoder(settings: Section, name: str | None) -> nn.Module:
    """The decoder that a run config describes."""
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
            block=block_of(settings, parallel=parallel),
        )
    )

"""The keys of a run config's ``model`` section that change neither parameters nor activations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_VALUES: Final = "what the parameters hold at the start, not how many there are"
_FACTOR: Final = "a constant factor, which keeps nothing for the backward pass"
_RATES: Final = "a factor of learning rates and of values at the start"
_LOSS: Final = "a constant factor of the loss or of a term of it"
_MASK: Final = "which scores are masked; the mask has the same size, and all scores are written out"
_ANGLES: Final = "the angles of rotary positions or the slopes of ALiBi, not their number"
_EPSILON: Final = "a constant in a norm"
_TOKEN: Final = "the number of a token of the vocabulary"
_FILE: Final = "a file that is not needed to build the model"
_COMPILER: Final = "how the vendor's compiler or framework runs the same model"
_METRIC: Final = "what is reported of a run, not what is trained"
_FORMAT: Final = "a number format, which is that of --precision here"
_ABSENT: Final = "of a part that this kind of model does not have, or has without choice"
_TEACHER: Final = "when and how the teacher's weights are copied; they are counted in full"
_INPUT: Final = "of the data that are fed in"

WITHOUT_EFFECT: Final[Mapping[str, str]] = {
    # names
    "name": "the name of the section, looked at where it names a kind of model",
    "model_name": "the name of the section, looked at where it names a kind of model",
    "problem_type": "the kind of labels of a classifier, whose loss has one number a sample",
    # values at the start
    "initializer": _VALUES,
    "initializer_range": _VALUES,
    "initializer_factor": _VALUES,
    "use_transformer_initialization": _VALUES,
    "weight_initialization_seed": _VALUES,
    "dropout_seed": _VALUES,
    # constant factors
    "embeddings_scale": _FACTOR,
    "embeddings_alpha": _FACTOR,
    "attention_type": _FACTOR,
    "attention_logits_alpha": _FACTOR,
    "encoder_attention_logits_alpha": _FACTOR,
    "decoder_attention_logits_alpha": _FACTOR,
    "output_logits_alpha": _FACTOR,
    "output_logits_scale": _FACTOR,
    "scale_qk_dot_by_d": _FACTOR,
    "scale_encoder_qk_dot_by_d": _FACTOR,
    "scale_decoder_qk_dot_by_d": _FACTOR,
    "scale_output_logits_by_d": _FACTOR,
    "scale_qk_dot_by_layer_idx": _FACTOR,
    "scale_by_layer_index": _FACTOR,
    "token_dropout": "a factor of each sample's embeddings, one number a sample",
    # maximal update parametrization
    "mup_base_hidden_size": _RATES,
    "mup_base_filter_size": _RATES,
    "mup_base_d_model": _RATES,
    "mup_base_d_ff": _RATES,
    "mup_base_d_kv": _RATES,
    "lr_adjustment_groups": _RATES,
    # norms, positions, masks
    "layer_norm_epsilon": _EPSILON,
    "attention_qk_norm_eps": _EPSILON,
    "rope_theta": _ANGLES,
    "pos_scaling_factor": _ANGLES,
    "pos_scaling_type": _ANGLES,
    "pos_scaling_extra_args": _ANGLES,
    "fold_rope_consts": _COMPILER,
    "alibi_implementation": _COMPILER,
    "antialias": "how the positions of small images are interpolated",
    "interpolate_offset": "how the positions of small images are interpolated",
    "attention_sliding_window_length": _MASK,
    "sliding_window_every_other_decoder_layer": _MASK,
    "sliding_window_every_other_decoder_layer_pattern": _MASK,
    "attention_sink_tokens": _MASK,
    "attention_chunk_size": _MASK,
    "attention_vertical_column_spacing": _MASK,
    "attention_vertical_column_width": _MASK,
    "fixed_sparse_attention": _MASK,
    "use_vsl": _MASK,
    # loss
    "loss_weight": _LOSS,
    "loss_scaling": _LOSS,
    "lm_loss_weight": _LOSS,
    "mlm_loss_weight": _LOSS,
    "mlm_loss_scaling": _LOSS,
    "label_smoothing": _LOSS,
    "load_balancing_loss_coef": _LOSS,
    "include_padding_in_loss": _LOSS,
    "null_expert_bias": "a constant beside the scores of the experts",
    # of self-distillation
    "losses": "the loss, which here compares the heads' outputs once",
    "ema": _TEACHER,
    "copy_init_weights": _TEACHER,
    "forward_args": "which outputs a part reads; those of the published recipe are built",
    "stochastic_depth_mode": "whether a sample or a batch skips a branch; one number a sample",
    "stochastic_depth_drop_prob_schedule": "how that probability differs from layer to layer",
    "image_layer_idx": "which layer's output is read",
    # tokens, files, metrics
    "pad_token_id": _TOKEN,
    "mask_token_id": _TOKEN,
    "decoder_start_token_id": _TOKEN,
    "mask_padding_in_positional_embed": _INPUT,
    "vocab_file": _FILE,
    "label_vocab_file": _FILE,
    "pretrain_params_path": _FILE,
    "compute_eval_metrics": _METRIC,
    "tf_summary": _METRIC,
    # formats and compilation
    "mixed_precision": "read with the precision of the run",
    "fp16_type": "read with the precision of the run",
    "use_bfloat16": "read with the precision of the run",
    "attention_softmax_fp32": _FORMAT,
    "router_fp32": _FORMAT,
    "to_float16": _FORMAT,
    "boundary_casting": _FORMAT,
    "dtype": _FORMAT,
    "attention_kernel": _COMPILER,
    "moe_implementation": _COMPILER,
    "precision_opt_level": _COMPILER,
    "allow_multireplica": _COMPILER,
    "enable_vts": _COMPILER,
    "enable_gpu_optimizations": _COMPILER,
    "future_implementations": _COMPILER,
    "use_cache": _COMPILER,
    # of parts that are absent
    "tgt_max_position_embeddings": "a length that is asked for with --target-len",
    "pooler_nonlinearity": _ABSENT,
    "mlm_nonlinearity": _ABSENT,
    "rotary_dim": _ABSENT,
    "alibi_trainable_slopes": _ABSENT,
    "relative_attention_num_buckets": _ABSENT,
    "num_relative_attention_buckets": _ABSENT,
    "use_untied_layer_norm": _ABSENT,
}
"""Key -> why another value of it leaves the model as it is."""

_PATTERNS: Final[Mapping[re.Pattern[str], str]] = {
    re.compile(r"\w+_initializer"): _VALUES,
}


def why_without_effect(name: str) -> str | None:
    """Why a key of a ``model`` section changes nothing; None for a key that may change the model.

    Args:
        name: dotted name of the key within the section; a section on the way counts too.

    Example:
        >>> why_without_effect("embedding_initializer.std")
        'what the parameters hold at the start, not how many there are'
        >>> why_without_effect("hidden_size") is None
        True
    """
    for part in re.sub(r"\[\d+\]", "", name).split("."):
        found = WITHOUT_EFFECT.get(part)
        if found is not None:
            return found
        for pattern, reason in _PATTERNS.items():
            if pattern.fullmatch(part):
                return reason
    return None

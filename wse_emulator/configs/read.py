"""Model Zoo run configs (YAML, releases 1.x and 2.x), read into one typed value.

A 1.x file has ``train_input``, ``model``, ``optimizer`` and ``runconfig`` at its top; a 2.x file
has ``trainer.init`` and ``trainer.fit``. Reading is pure: nothing is built, and what the file
holds and the emulator does not use is listed in :attr:`RunConfig.unused`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from schedulers import SchedulerError, ScheduleSection
from schedulers.names import number
from schedulers.sections import read_grouped_schedules, read_learning_rate
from wse_emulator.configs.section import Section, is_mapping
from wse_emulator.configs.values import ModelSettings, OptimizerSettings, RunConfig
from wse_emulator.configs.yaml_file import read_yaml_mapping
from wse_emulator.errors import ConfigError
from wse_emulator.request import LossScaling, ParameterGroup
from wse_emulator.wafer.formats import HALF_FLOATS

__all__ = ["RunConfig", "parse_run_config", "read_run_config"]

DEFAULT_HALF_DTYPE: Final = "float16"
"""What the Model Zoo takes when mixed precision is on and no ``fp16_type`` is given."""

T = TypeVar("T")


def read_run_config(path: Path) -> RunConfig:
    """Read a run config from a file.

    Raises:
        MalformedFileError: the file cannot be read, or is not plain YAML.
        ConfigError: it is not a run config, or holds something the emulator cannot honour.
    """
    return parse_run_config(read_yaml_mapping(path), str(path))


def parse_run_config(document: Mapping[str, object], source: str) -> RunConfig:
    """Read a run config from its document; `source` names it in messages.

    Raises:
        ConfigError: it is not a run config, or holds something the emulator cannot honour.
    """
    top = Section(document, "", source)
    if top.has("trainer"):
        return _second_style(top)
    if top.has("optimizer") or top.has("model"):
        return _first_style(top)
    raise ConfigError(
        f"{source}: neither a 1.x run config (sections model, optimizer, ...) nor a 2.x one"
        f" (trainer); its top level has {', '.join(document) or 'nothing'}"
    )


def _first_style(top: Section) -> RunConfig:
    model, optimizer = top.section("model"), top.section("optimizer")
    inputs, run = top.section("train_input"), top.section("runconfig")
    absolute = bool(optimizer.flag("disable_lr_steps_reset"))
    learning_rate = optimizer.take("learning_rate")
    schedule = _from_schedulers(
        optimizer.name("learning_rate"),
        lambda: read_learning_rate(learning_rate, disable_lr_steps_reset=absolute),
    )
    half_dtype = _half_dtype(model.flag("mixed_precision"), model)
    facts = _model(model)
    return _run_config(
        top,
        style="1.x",
        model=facts,
        inputs=inputs,
        loop=run,
        half_dtype=half_dtype,
        numerics=optimizer,
        rate_factors=_rate_factors(optimizer),
        # last: what is left of the section after the above are the optimizer's own arguments
        optimizer=lambda: _first_style_optimizer(optimizer),
        schedules=() if schedule is None else (schedule,),
    )


def _second_style(top: Section) -> RunConfig:
    trainer = top.section("trainer")
    init = trainer.section("init")
    precision, model = init.section("precision"), init.section("model")
    mixed = precision.flag("enabled")
    model_mixed = model.flag("mixed_precision")
    half_dtype = _half_dtype(model_mixed if mixed is None else mixed, precision, model)
    optimizer, constant_rate = _second_style_optimizer(init)
    schedulers = init.take("schedulers", "scheduler")
    schedules = _from_schedulers(
        init.name("schedulers"), lambda: _second_style_schedules(schedulers, constant_rate)
    )
    return _run_config(
        top,
        style="2.x",
        model=_model(model),
        inputs=_train_dataloader(trainer),
        loop=init.section("loop"),
        half_dtype=half_dtype,
        numerics=precision,
        rate_factors=(),
        optimizer=lambda: optimizer,
        schedules=schedules,
    )


def _run_config(
    top: Section,
    *,
    style: str,
    model: ModelSettings,
    inputs: Section,
    loop: Section,
    half_dtype: str | None,
    numerics: Section,
    rate_factors: tuple[tuple[str, float], ...],
    optimizer: Callable[[], OptimizerSettings | None],
    schedules: tuple[ScheduleSection, ...],
) -> RunConfig:
    batch_size = inputs.count("batch_size")
    micro_batch_size = _micro_batch_size(inputs)
    length = inputs.count("max_sequence_length", "src_max_sequence_length")
    max_steps = loop.count("max_steps")
    max_norm = numerics.positive("max_gradient_norm")
    max_value = numerics.positive("max_gradient_value")
    scaling = _loss_scaling(numerics)
    chosen = optimizer()
    where = "optimizer.learning_rate" if style == "1.x" else "trainer.init.schedulers"
    ignored = tuple(f"{where}.{key}" for section in schedules for key in section.all_unused())
    return RunConfig(
        source=top.source,
        style=style,
        model=model,
        batch_size=batch_size,
        micro_batch_size=micro_batch_size,
        sequence_length=length or model.positions,
        max_steps=max_steps,
        half_dtype=half_dtype,
        optimizer=chosen,
        schedules=schedules,
        rate_factors=rate_factors,
        max_gradient_norm=max_norm,
        max_gradient_value=max_value,
        loss_scaling=scaling,
        sparsity=_sparsity(top),
        top=top,
        ignored=ignored,
    )


def _model(section: Section) -> ModelSettings:
    attention = section.section("extra_attention_params")
    return ModelSettings(
        name=section.text("name"),
        hidden_size=section.count("hidden_size", "d_model"),
        layers=section.count("num_hidden_layers", "encoder_num_hidden_layers"),
        heads=section.count("num_heads", "num_attention_heads"),
        key_value_heads=attention.count("num_kv_groups"),
        filter_size=section.count("filter_size", "d_ff"),
        vocabulary=section.count("vocab_size", "src_vocab_size"),
        positions=section.count("max_position_embeddings"),
        section=section,
    )


def _half_dtype(mixed: bool | None, *sections: Section) -> str | None:
    """The 16-bit dtype of mixed precision; the first section that names one decides."""
    named: str | None = None
    for section in sections:
        dtype = section.text("fp16_type")
        if section.flag("use_bfloat16"):
            dtype = dtype or "bfloat16"
        if dtype is not None and dtype not in HALF_FLOATS:
            raise ConfigError(
                f"{section.name('fp16_type')} is {dtype!r}; it must be one of"
                f" {', '.join(HALF_FLOATS)}"
            )
        named = named or dtype
    return (named or DEFAULT_HALF_DTYPE) if mixed else None


def _loss_scaling(section: Section) -> LossScaling | None:
    factor = number(section.take("loss_scaling_factor"))
    initial = section.positive("initial_loss_scale")
    largest = section.positive("max_loss_scale")
    steps = section.count("steps_per_increase")
    if factor is None:
        return None
    if isinstance(factor, str) and factor.lower() == "dynamic":
        return LossScaling(
            dynamic=True, factor=None, initial=initial, largest=largest, steps_per_increase=steps
        )
    static = section.positive("loss_scaling_factor")
    return None if static == 1.0 else LossScaling(dynamic=False, factor=static)


def _sparsity(top: Section) -> float:
    """``trainer.init.sparsity.sparsity`` where it is a plain number: static sparsity."""
    if not top.has("trainer"):
        return 0.0
    init = top.section("trainer").section("init")
    if not is_mapping(init.entries.get("sparsity")):
        return 0.0
    section = init.section("sparsity")
    value = section.entries.get("sparsity")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    section.take("sparsity")
    return float(value)


def _micro_batch_size(inputs: Section) -> int | None:
    value = inputs.entries.get("micro_batch_size")
    if isinstance(value, int | float):
        return inputs.count("micro_batch_size")
    return None  # "auto", "explore": chosen by the compiler, listed as unused


def _train_dataloader(trainer: Section) -> Section:
    fit = trainer.section("fit")
    loaders = fit.entries.get("train_dataloader")
    if isinstance(loaders, list) and len(loaders) > 1:
        raise ConfigError(
            f"{fit.name('train_dataloader')} is a list of {len(loaders)}; name one, the batch of"
            " which a step takes"
        )
    return fit.section("train_dataloader")


_FIRST_STYLE_LOGGING: Final = frozenset({"log_summaries", "log_grads", "log_hists", "ws_summary"})


def _first_style_optimizer(section: Section) -> OptimizerSettings | None:
    name = section.text("optimizer_type")
    if name is None:
        if section.unused():
            raise ConfigError(
                f"{section.source}: optimizer.optimizer_type is missing; name the optimizer"
            )
        return None
    remaining = [key for key in section.entries if f"optimizer.{key}" in section.unused()]
    arguments = {
        key: number(section.take(key)) for key in remaining if key not in _FIRST_STYLE_LOGGING
    }
    return OptimizerSettings(name=name, arguments=MappingProxyType(arguments))


def _second_style_optimizer(init: Section) -> tuple[OptimizerSettings | None, object]:
    """The optimizer, and the constant learning rate its section may hold."""
    entry = init.take("optimizer")
    if entry is None:
        return None, None
    if not is_mapping(entry) or len(entry) != 1:
        raise ConfigError(
            f"{init.name('optimizer')} must have one key, the optimizer's name"
            " (optimizer: {AdamW: {...}})"
        )
    ((name, content),) = entry.items()
    if content is None:
        content = {}
    if not is_mapping(content):
        raise ConfigError(f"{init.name('optimizer')}.{name} must hold the optimizer's arguments")
    arguments = {key: number(value) for key, value in content.items() if key != "params"}
    rates = [arguments.pop(key) for key in ("learning_rate", "lr") if key in arguments]
    groups = _groups(content.get("params"), f"{init.name('optimizer')}.{name}.params")
    facts = OptimizerSettings(name=name, arguments=MappingProxyType(arguments), groups=groups)
    return facts, rates[0] if rates else None


def _groups(entries: object, where: str) -> tuple[ParameterGroup, ...]:
    if entries is None:
        return ()
    if not isinstance(entries, list) or not all(is_mapping(entry) for entry in entries):
        raise ConfigError(f"{where} must be a list of groups, each with params and its settings")
    return tuple(_group(entry, f"{where}[{position}]") for position, entry in enumerate(entries))


def _group(entry: Mapping[str, object], where: str) -> ParameterGroup:
    patterns = entry.get("params")
    if isinstance(patterns, str):
        patterns = [patterns]
    if not isinstance(patterns, list) or not all(isinstance(p, str) for p in patterns):
        raise ConfigError(f"{where}.params must be a list of name patterns")
    tag = entry.get("tag", entry.get("tags"))
    if tag is not None and not isinstance(tag, str):
        raise ConfigError(f"{where}.tag is {tag!r}; it must be a name")
    own = {k: number(v) for k, v in entry.items() if k not in ("params", "tag", "tags")}
    return ParameterGroup(patterns=tuple(patterns), tag=tag, arguments=MappingProxyType(own))


def _second_style_schedules(schedulers: object, rate: object) -> tuple[ScheduleSection, ...]:
    if schedulers is None:
        section = read_learning_rate(float(rate) if isinstance(rate, int) else rate)
        return () if section is None else (section,)
    return read_grouped_schedules(schedulers if isinstance(schedulers, list) else [schedulers])


def _rate_factors(optimizer: Section) -> tuple[tuple[str, float], ...]:
    factors = optimizer.section("adjust_learning_rate")
    found = ((part, factors.positive(part)) for part in factors.entries)
    return tuple((part, factor) for part, factor in found if factor is not None)


def _from_schedulers(where: str, read: Callable[[], T]) -> T:
    """What `read` returns; its refusals become config errors that say where."""
    try:
        return read()
    except SchedulerError as error:
        raise ConfigError(f"{where}: {error}") from error

"""`configure_optimizer`, and the optimizer sections of run configs in all their spellings.

Release 1.x names the class in the section (``{optimizer_type: AdamW, learning_rate: ...}``) and
mixes in settings of the trainer; release 2.x has the class name as the only key
(``{AdamW: {betas: [0.9, 0.95]}}``). Names of classes are matched without regard to case, numbers
may be strings, and arguments may go by older names. Nothing given is changed.
"""

from __future__ import annotations

import difflib
import inspect
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from optimizers.base import Optimizer
from optimizers.errors import ConfigurationError, IgnoredKeyWarning, UnknownOptimizerError

if TYPE_CHECKING:
    from optimizers.validation import Params

# The learning rate of a class without a default, when the section gives none or a schedule.
RATE_WITHOUT_DEFAULT = 0.1

# Older names of one argument, and of the two halves of a pair.
ALIASES = {
    "learning_rate": "lr",
    "weight_decay_rate": "weight_decay",
    "epsilon": "eps",
    "use_nesterov": "nesterov",
    "use_bias_correction": "correct_bias",
}
HALVES = {
    "betas": (("beta1", "beta2"), ("beta_1", "beta_2")),
    "eps": (("eps1", "eps2"),),
    "etas": (("eta1", "eta2"),),
    "step_sizes": (("step_size_min", "step_size_max"),),
}
# Arguments that older sections give to a class which has but one value for them.
FIXED = {"Adam": {"correct_bias": True}}

# Keys of 1.x sections that concern the trainer, and what takes them.
TRAINER_KEYS = {
    "max_gradient_norm": "clip_grad_norm_static",
    "max_gradient_value": "the trainer",
    "loss_scaling_factor": "DynamicLossScale",
    "initial_loss_scale": "DynamicLossScale",
    "steps_per_increase": "DynamicLossScale",
    "min_loss_scale": "DynamicLossScale",
    "max_loss_scale": "DynamicLossScale",
    "adjust_learning_rate": "per-layer rates, which are not applied",
    "disable_lr_steps_reset": "configure_lr_scheduler",
    "log_summaries": "the trainer's logs",
    "log_grads": "the trainer's logs",
    "log_hists": "the trainer's logs",
    "ws_summary": "the trainer's logs",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerSection:
    """An optimizer section, read: what goes to the constructor and what does not.

    Attributes:
        optimizer: the class.
        arguments: constructor arguments by their documented names; `lr` is always among them.
        learning_rate: the section's `learning_rate` as it stands, for `configure_lr_scheduler`;
            None if there is none.
        groups: the section's own `params`, a tuple of dicts whose "params" are name patterns and
            whose hyper-parameters go by their documented names. Matching them is the reader's.
        set_aside: every other key with its value, trainer settings among them.

    Example:
        >>> section = optimizers.read_section({"AdamW": {"weight_decay": 0.1, "log_grads": True}})
        >>> section.optimizer.__name__, section.arguments
        ('AdamW', {'weight_decay': 0.1, 'lr': 0.001})
        >>> section.set_aside
        {'log_grads': True}
    """

    optimizer: type[Optimizer]
    arguments: dict[str, Any] = field(default_factory=dict)
    learning_rate: object = None
    groups: tuple[dict[str, Any], ...] = ()
    set_aside: dict[str, object] = field(default_factory=dict)

    def build(self, params: Params) -> Optimizer:
        """Construct the optimizer on `params`, warning of what was set aside.

        Raises:
            ConfigurationError: the constructor does not take the arguments.
        """
        if self.set_aside:
            warnings.warn(self._what_is_ignored(), IgnoredKeyWarning, stacklevel=3)
        try:
            return self.optimizer(params, **self.arguments)
        except TypeError as error:
            name = self.optimizer.__name__
            raise ConfigurationError(f"Failed to configure {name} optimizer: {error}") from error

    def _what_is_ignored(self) -> str:
        known = list(_parameters(self.optimizer))
        notes = []
        for key in self.set_aside:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"{self.optimizer.__name__} has none"
            notes.append(f"{key} ({TRAINER_KEYS.get(key, hint)})")
        return f"not arguments of {self.optimizer.__name__}, set aside: {', '.join(notes)}"


def configure_optimizer(optimizer_type: str, params: Params, **kwargs: Any) -> Optimizer:
    """Build the optimizer of the given name from loosely spelled arguments.

    Args:
        optimizer_type: class name, in any case; subclasses of `Optimizer` defined elsewhere count.
        params: parameters, or dicts of them whose hyper-parameters may use the same spellings.
        **kwargs: constructor arguments by documented or older name, numbers also as strings, and
            any further keys of a section. `learning_rate` becomes `lr` if it is a number; a
            schedule is ignored here, and `lr` is then the class's default, or 0.1 if it has none.

    Returns:
        The optimizer. Keys that it does not take are named by an `IgnoredKeyWarning`.

    Raises:
        UnknownOptimizerError: no class has that name; the message lists those there are.
        ConfigurationError: two spellings of one argument disagree, or the constructor refuses.
        ArgumentError: a value is outside its range.

    Example:
        >>> p = torch.nn.Parameter(torch.zeros(2))
        >>> optimizer = optimizers.configure_optimizer("adamw", [p], lr="1e-3", beta1=0.8)
        >>> group = optimizer.param_groups[0]
        >>> type(optimizer).__name__, group["lr"], group["betas"]
        ('AdamW', 0.001, (0.8, 0.999))
    """
    section = read_section({**kwargs, "optimizer_type": optimizer_type})
    listed = list(params)
    groups: list[Any] = [
        {**_spelled(section.optimizer, group)[0], "params": group["params"]}
        if isinstance(group, Mapping) and "params" in group
        else group
        for group in listed
    ]
    return section.build(groups)


def read_section(section: Mapping[str, Any]) -> OptimizerSection:
    """Read an optimizer section of a run config, of either form, without building anything.

    Raises:
        UnknownOptimizerError: no class has the section's name.
        ConfigurationError: the section names no class, or contradicts itself.

    Example:
        >>> section = optimizers.read_section({"optimizer_type": "Lamb", "learning_rate": "0.01"})
        >>> section.optimizer.__name__, section.arguments
        ('Lamb', {'lr': 0.01})
    """
    name, entries = _name_and_entries(section)
    optimizer = optimizer_class(name)
    arguments, set_aside = _spelled(optimizer, entries)
    rate = entries.get("learning_rate")
    known = _parameters(optimizer)
    if "lr" in known and "lr" not in arguments:
        default = known["lr"].default
        arguments["lr"] = RATE_WITHOUT_DEFAULT if default is inspect.Parameter.empty else default
    groups = tuple(
        {**_spelled(optimizer, group)[0], **_group_labels(group)}
        for group in entries.get("params") or ()
    )
    return OptimizerSection(
        optimizer=optimizer,
        arguments=arguments,
        learning_rate=rate,
        groups=groups,
        set_aside={key: value for key, value in set_aside.items() if key != "learning_rate"},
    )


def optimizer_class(name: str) -> type[Optimizer]:
    """The optimizer class of that name, in any case; those of this package come first.

    Raises:
        UnknownOptimizerError: there is none; the message lists the choices.
    """
    classes = _concrete_classes(Optimizer)  # type: ignore[type-abstract]  # the root of the walk
    matches = [cls for cls in classes if cls.__name__.lower() == str(name).lower()]
    own = [cls for cls in matches if cls.__module__.partition(".")[0] == "optimizers"]
    exact = [cls for cls in matches if cls.__name__ == name]
    if not matches:
        choices = sorted({cls.__name__ for cls in classes}, key=str.lower)
        raise UnknownOptimizerError(
            f"no optimizer is called {name!r}; choose one of {', '.join(choices)}"
        )
    return (own or exact[-1:] or matches[-1:])[0]


def _concrete_classes(base: type[Optimizer]) -> list[type[Optimizer]]:
    found = [] if inspect.isabstract(base) else [base]
    for cls in base.__subclasses__():
        found += [c for c in _concrete_classes(cls) if c not in found]
    return found


def _name_and_entries(section: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Class name and settings, from either form of a section."""
    if "optimizer_type" in section:
        entries = {key: value for key, value in section.items() if key != "optimizer_type"}
        return section["optimizer_type"], entries
    if len(section) == 1:
        name, entries = next(iter(section.items()))
        if entries is None or isinstance(entries, Mapping):
            return name, entries or {}
    raise ConfigurationError(
        "an optimizer section needs 'optimizer_type', or a class name as its only key; it has "
        f"{', '.join(map(str, section)) or 'nothing'}"
    )


def _parameters(optimizer: type[Optimizer]) -> dict[str, inspect.Parameter]:
    signature = inspect.signature(optimizer)
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {
        name: parameter
        for name, parameter in signature.parameters.items()
        if name != "params" and parameter.kind not in kinds
    }


def _group_labels(group: Mapping[str, Any]) -> dict[str, Any]:
    """What a group carries besides hyper-parameters: its patterns, and tags for schedules."""
    return {key: group[key] for key in ("params", "tag", "tags") if key in group}


def _spelled(
    optimizer: type[Optimizer], entries: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, object]]:
    """Split entries into arguments by documented name, and the rest."""
    known = _parameters(optimizer)
    fixed = FIXED.get(optimizer.__name__, {})
    found: dict[str, dict[str, Any]] = {}
    rest = {key: value for key, value in entries.items() if key not in ("params", "tag", "tags")}
    for name, spellings in HALVES.items():
        for pair in spellings:
            if name in known and not known.keys() & set(pair) and rest.keys() & set(pair):
                default = known[name].default
                halves = [rest.pop(key, default[i]) for i, key in enumerate(pair)]
                found.setdefault(name, {})["/".join(pair)] = tuple(map(_plain, halves))
    for key in list(rest):
        name = key if key in known or key in fixed else ALIASES.get(key, key)
        value = _plain(rest[key])
        if name in fixed and name not in known:
            if value != fixed[name]:
                raise ConfigurationError(
                    f"Failed to configure {optimizer.__name__} optimizer: {key} is {value!r}, and "
                    f"{optimizer.__name__} always has {fixed[name]!r}"
                )
            del rest[key]
        elif name in known and not (key == "learning_rate" and not _is_number(value)):
            found.setdefault(name, {})[key] = value
            del rest[key]
    if "lr" in found and "lr" in found["lr"]:
        found["lr"].pop("learning_rate", None)  # an explicit lr wins
    for name, spelled in found.items():
        if len({repr(value) for value in spelled.values()}) > 1:
            given = ", ".join(f"{key}={value!r}" for key, value in spelled.items())
            raise ConfigurationError(
                f"Failed to configure {optimizer.__name__} optimizer: {given} are spellings of "
                f"the one argument {name} and disagree"
            )
    return {name: next(iter(spelled.values())) for name, spelled in found.items()}, rest


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    """A value with its strings read: "1e-6" as a number, "true" as True, a list as a tuple."""
    if isinstance(value, (list, tuple)) and all(
        isinstance(item, (int, float, str)) for item in value
    ):
        return tuple(_plain(item) for item in value)
    if not isinstance(value, str):
        return value
    words = {"true": True, "false": False, "none": None, "null": None}
    if value.strip().lower() in words:
        return words[value.strip().lower()]
    try:
        return float(value)
    except ValueError:
        return value

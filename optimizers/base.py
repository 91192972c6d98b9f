"""The contract every optimizer keeps: all state before the first step, none created after it."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import torch

from optimizers.errors import GlobalStepError, ParameterError
from optimizers.loading import load
from optimizers.seal import Seal
from optimizers.validation import Check, Group, checks

Loss = torch.Tensor | float
Closure = Callable[[], Loss]


# What torch builds anew in every optimizer object, and what is rebuilt from the state.
_NOT_CARRIED = ("_seal", "_zero_grad_profile_name", "_warned_capturable_if_run_uncaptured")


class Optimizer(torch.optim.Optimizer, ABC):
    """Base of all optimizers that are legal on the wafer.

    A subclass defines `preinitialize`, `state_names_to_sparsify` and `step`. Construction runs
    torch's constructor, then `preinitialize`, then adds the global step if asked for, and seals
    the state: from there on each `step` is preceded and followed by a comparison of the names,
    shapes, dtypes and storages of all state. Nothing is compared under `torch.compile`, whose
    guards watch the same things.

    The state of a group added later by `add_param_group` is preinitialised the same way:
    `preinitialize` runs once more and sees the new group alone in `self.param_groups`.

    Args:
        *args: `params` and `defaults`, as for `torch.optim.Optimizer`. Hyper-parameters keep their
            constructor names in the groups, and every group may override any of them.
        enable_global_step: keep `state[p]["step"]`, a 0-dim float32 tensor on the parameter's
            device, for every parameter; `increment_global_step` counts it.
        **kwargs: the same by name.

    Raises:
        ParameterError: a parameter appears twice, is not dense floating-point, or lies on another
            device than the rest.
        ArgumentError: a hyper-parameter is outside its range.
        ValueError, TypeError: as `torch.optim.Optimizer` does (empty list, not a tensor, not a
            leaf, a required hyper-parameter missing).

    Source: the documented `optim.Optimizer` of the PyTorch API 2.0 of Cerebras software 1.8.0.

    Example:
        >>> class Halve(optimizers.Optimizer):
        ...     def preinitialize(self):
        ...         for group in self.param_groups:
        ...             for p in group["params"]:
        ...                 self.state[p]["calls"] = torch.zeros(())
        ...
        ...     def state_names_to_sparsify(self):
        ...         return []
        ...
        ...     def step(self, closure=None):
        ...         for group in self.param_groups:
        ...             for p in group["params"]:
        ...                 p.data.mul_(0.5)
        ...                 self.state[p]["calls"].add_(1)
        >>> p = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        >>> optimizer = Halve([p], {})
        >>> optimizer.step()
        >>> p.data, optimizer.state[p]["calls"]
        (tensor([ 0.5000, -1.0000]), tensor(1.))
        >>> optimizer.state[p]["late"] = torch.zeros(2)
        >>> optimizer.step()
        Traceback (most recent call last):
            ...
        optimizers.errors.StateCreatedError: Halve: state 'late' of parameter 0 was created before
        step(). Create every state tensor in preinitialize()
    """

    decouples_weight_decay: ClassVar[bool] = False
    """Whether `weight_decay` shrinks the parameters beside the update instead of being L2."""

    ranges: ClassVar[Mapping[str, Check]] = checks()
    """The check of each hyper-parameter, by argument name, in the order in which they are made."""

    enable_global_step: bool
    _seal: Seal | None

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        step = cls.__dict__.get("step")
        if step is not None and not getattr(step, "__isabstractmethod__", False):
            cls.step = _sealed(step)  # type: ignore[method-assign]  # the subclass's own step

    def __init__(self, *args: Any, enable_global_step: bool = False, **kwargs: Any) -> None:
        self._seal = None
        super().__init__(*args, **kwargs)
        self.enable_global_step = enable_global_step
        self._allocate_state()
        self._seal = self._sealed_now()

    @abstractmethod
    def preinitialize(self) -> None:
        """Create every state tensor of every parameter in `self.param_groups`."""

    @abstractmethod
    def state_names_to_sparsify(self) -> list[str]:
        """Names of the per-parameter states that shrink with a sparse parameter."""

    @abstractmethod
    def step(self, closure: Closure | None = None) -> Loss | None:  # type: ignore[override]  # torch overloads by closure; the reference API has one signature
        """Perform one optimization step, updating state in place and creating none.

        Args:
            closure: reevaluates the model and returns the loss; runs with gradients enabled.

        Returns:
            The closure's loss, or None without a closure.
        """

    def check_hyperparameters(self, owner: str, group: Group) -> None:
        """Raise `ArgumentError` if a hyper-parameter of `group` is outside its range.

        A subclass states its `ranges`, and extends this method only where one value's range
        depends on another's.

        Args:
            owner: the optimizer's name, with the group's number, for the message.
            group: the hyper-parameters by name; "params" may be absent.
        """
        for name, check in self.ranges.items():
            check(owner, name, group[name])

    def increment_global_step(self, p: torch.Tensor) -> torch.Tensor:
        """Add 1 to the global step of `p` in place, and return it: a 0-dim float32 tensor.

        Raises:
            GlobalStepError: the optimizer was built without `enable_global_step=True`.
        """
        if not self.enable_global_step:
            raise GlobalStepError(
                f"{type(self).__name__} has no global step in its state. "
                "Pass enable_global_step=True to Optimizer.__init__ to have it"
            )
        step: torch.Tensor = self.state[p]["step"]
        return step.add_(1.0)

    def step_where(self, condition: torch.Tensor, closure: Closure | None = None) -> Loss | None:
        """`step()`, of which only what a condition allows is kept.

        Where `condition` is false, parameters, state and global step end as they began. The graph
        is the same either way. This general form keeps a copy of every tensor during the step;
        an optimizer that treats parameters one by one needs the copies of one parameter only.

        Args:
            condition: 0-dim bool tensor.
            closure: as for `step`.
        """
        written = [p for group in self.param_groups for p in group["params"]]
        with torch.no_grad():
            return keep_where(condition, self._with_state(written), lambda: self.step(closure))

    def add_param_group(self, param_group: Group) -> None:
        """Add a parameter group; if the optimizer is built already, preinitialise its state.

        The caller's dict is copied, not kept. A group that is refused leaves nothing behind.
        """
        if not isinstance(param_group, dict):
            raise TypeError(
                f"{type(self).__name__}: a parameter group must be a dict with 'params', "
                f"not {type(param_group).__name__}"
            )
        owner, index = type(self).__name__, len(self.param_groups)
        if index == 0:
            self.check_hyperparameters(owner, self.defaults)
        group = dict(param_group)
        if not isinstance(group.get("params"), (torch.Tensor, set)):
            group["params"] = list(group["params"])
            self._refuse_repeats(group["params"])
        super().add_param_group(group)
        before = self.param_groups[:-1]
        try:
            self._check_parameters(group["params"])
            self.check_hyperparameters(f"{owner}, group {index}", group)
            if self._seal is not None:
                self.param_groups = [group]
                self._allocate_state()
        except BaseException:
            self.param_groups = before
            for p in group["params"]:
                self.state.pop(p, None)
            raise
        self.param_groups = [*before, group]
        if self._seal is not None:
            self._seal = self._sealed_now()

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The state by parameter index, and the groups, as plain dicts.

        State tensors are the live ones, as in torch; copy them to keep a snapshot. A learning
        rate held in a tensor is written as a Python number, so `torch.load(weights_only=True)`
        reads the file and no reader depends on who owned the tensor.
        """
        packed = super().state_dict(*args, **kwargs)
        return {
            "state": {index: dict(entries) for index, entries in packed["state"].items()},
            "param_groups": [
                {name: _as_number(value) for name, value in group.items()}
                for group in packed["param_groups"]
            ],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Copy a saved state into the sealed state tensors, and take over the saved groups.

        State tensors and a learning rate held in a tensor are filled in place, so whoever shares
        them (a schedule, a captured graph) keeps sharing them; each keeps its own dtype. The
        caller's dict is never modified, and a dict that is refused changes nothing.

        Args:
            state_dict: from `state_dict()` of this class or, for the classes that say so, of
                `torch.optim`'s class of the same name.

        Raises:
            StateDictError: the dict is of another optimizer, truncated, or of other shapes.
            ArgumentError: a saved hyper-parameter is outside its range.
        """
        for before in self._optimizer_load_state_dict_pre_hooks.values():
            state_dict = before(self, dict(state_dict)) or state_dict
        load(self, state_dict)
        for after in self._optimizer_load_state_dict_post_hooks.values():
            after(self)

    def adopt_saved_group(self, saved: Group) -> Group:
        """Translate a saved group of a foreign form (a copy without "params") into this class's."""
        return saved

    def adopt_saved_state(self, saved: dict[str, Any], group: Group) -> dict[str, Any]:  # noqa: ARG002  # subclasses need it
        """Translate a parameter's saved state of a foreign form (a copy) into this class's."""
        return saved

    def fresh_state(
        self,
        p: torch.Tensor,  # noqa: ARG002  # subclasses need it
        group: Group,  # noqa: ARG002  # subclasses need it
    ) -> dict[str, torch.Tensor] | None:
        """The state of `p` at construction, or None if only `preinitialize` knows it."""
        return None

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in self.__dict__.items()
            if name not in _NOT_CARRIED and not name.endswith("_hooks")
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._seal = self._sealed_now()

    def _allocate_state(self) -> None:
        """Run `preinitialize` for the groups now in `param_groups`, and add the global step.

        Every parameter has an entry afterwards, empty for one without state, so that reading
        `state[p]` changes nothing.
        """
        self.preinitialize()
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                if self.enable_global_step:
                    state["step"] = torch.zeros((), dtype=torch.float32, device=p.device)

    def _with_state(self, parameters: list[torch.Tensor]) -> list[torch.Tensor]:
        """The parameters, and all tensors of their state."""
        state = [entry for p in parameters for entry in self.state.get(p, {}).values()]
        return parameters + [entry for entry in state if isinstance(entry, torch.Tensor)]

    def _sealed_now(self) -> Seal:
        return Seal(type(self).__name__, self.state, self._named_parameters())

    def _named_parameters(self) -> list[tuple[int | str, torch.Tensor]]:
        """Every parameter in the order of the groups, with its name, or else its index."""
        named: list[tuple[int | str, torch.Tensor]] = []
        for group in self.param_groups:
            for offset, p in enumerate(group["params"]):
                names = group.get("param_names")
                named.append((names[offset] if names else len(named), p))
        return named

    def _refuse_repeats(self, params: list[Any]) -> None:
        tensors = [entry[1] if isinstance(entry, tuple) else entry for entry in params]
        first: dict[int, int] = {}
        for index, tensor in enumerate(tensors):
            if first.setdefault(id(tensor), index) != index:
                raise ParameterError(
                    f"{type(self).__name__}: params[{index}] is the same parameter as "
                    f"params[{first[id(tensor)]}]; each parameter may be given once"
                )

    def _check_parameters(self, params: list[torch.Tensor]) -> None:
        name = type(self).__name__
        anchor = next((p for group in self.param_groups for p in group["params"]), None)
        for index, p in enumerate(params):
            if torch.nn.parameter.is_lazy(p):
                raise ParameterError(
                    f"{name}: params[{index}] has no size before the model's first forward; run "
                    "one before building the optimizer, or give the layer its sizes"
                )
            if not p.is_floating_point() or p.layout != torch.strided:
                raise ParameterError(
                    f"{name}: params[{index}] is {p.dtype} with layout {p.layout}; parameters "
                    "must be dense floating-point tensors"
                )
            if anchor is not None and p.device != anchor.device:
                raise ParameterError(
                    f"{name}: params[{index}] is on {p.device}, the first parameter is on "
                    f"{anchor.device}; move the model to one device before building the optimizer"
                )


def closure_loss(closure: Closure | None) -> Loss | None:
    """The loss a closure returns, evaluated with gradients enabled; None without a closure."""
    if closure is None:
        return None
    with torch.enable_grad():
        return closure()


Result = TypeVar("Result")


def keep_where(
    condition: torch.Tensor, written: list[torch.Tensor], write: Callable[[], Result]
) -> Result:
    """Call `write`, then take back what it did to the tensors where the condition is false.

    Args:
        condition: 0-dim bool tensor.
        written: all tensors that `write` writes, in place.
        write: what to do.
    """
    before = [tensor.detach().clone() for tensor in written]
    result = write()
    for tensor, old in zip(written, before, strict=True):
        torch.where(condition, tensor, old, out=tensor)
    return result


def _sealed(step: Callable[..., Loss | None]) -> Callable[..., Loss | None]:
    """`step` with the seal compared before and after it."""

    @functools.wraps(step)
    def sealed_step(self: Optimizer, *args: Any, **kwargs: Any) -> Loss | None:
        if torch.compiler.is_compiling() or self._seal is None:
            return step(self, *args, **kwargs)
        self._seal.check(self.state, "before step()")
        loss = step(self, *args, **kwargs)
        self._seal.check(self.state, "during step()")
        return loss

    return sealed_step


def _as_number(value: Any) -> Any:
    """A 0-dim hyper-parameter tensor as a Python number; a meta tensor has none and stays."""
    if isinstance(value, torch.Tensor) and value.dim() == 0 and value.device.type != "meta":
        return value.item()
    return value

"""What several results say: the machine, the model, the optimizer, and what would make room."""

from __future__ import annotations

from dataclasses import dataclass, field

from wse_emulator.wafer.spec import WaferSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class WaferFacts:
    """The machine of a result; ``assumptions`` names each field that rests on no source."""

    name: str
    rows: int
    cols: int
    pes: int
    clock_hz: int
    sram_bytes_per_pe: int
    reserved_bytes_per_pe: int


def assumptions(spec: WaferSpec) -> tuple[str, ...]:
    """Each field of a machine that rests on no document, with what is said of it."""
    return tuple(f"{name}: {spec.sources[name]}" for name in sorted(spec.unsourced))


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionForms:
    """The same step with its functions of vectors in both forms, each simulated.

    Attributes:
        functions: which functions the step computes of vectors, by their names in sentences.
        form: the form in which the step of the result has them, ``library`` or ``vector``.
        library_cycles, library_seconds: of the step with a call of the math library an element.
        vector_cycles, vector_seconds: of the step with sequences of vector instructions.
    """

    functions: tuple[str, ...]
    form: str
    library_cycles: int
    library_seconds: float
    vector_cycles: int
    vector_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """The model of a result: name, number of parameter elements, number of tensors."""

    name: str
    parameters: int
    tensors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerFacts:
    """The optimizer: class name, and its hyper-parameters as given (JSON values)."""

    name: str
    options: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lever:
    """One change that would save bytes, judged by planning again with it.

    Attributes:
        what: the change in words.
        arguments: what to add to the command.
        saves_bytes: bytes the fullest PE loses; the unit of ``gap_bytes``.
        saves_total_bytes: bytes over all PEs.
        fits: whether it fits then.
        command: the command line that judges the model with it; empty where the model or the
            machine was given as a Python object.
    """

    what: str
    arguments: tuple[str, ...] = ()
    saves_bytes: int
    saves_total_bytes: int = 0
    fits: bool
    command: str = ""

"""Learning-rate schedulers of the Cerebras 1.8 PyTorch API, as captured closed forms.

Every schedule is a pure function of the integer step, in a few tensor operations. A scheduler
writes its rate in place into one 0-dim tensor that stands in ``group["lr"]`` of its optimizer.
"""

from schedulers.base import LRScheduler
from schedulers.composition import ChainedScheduler, ComposedLR, SequentialLR
from schedulers.configure import (
    build_formula,
    build_scheduler,
    configure_lr_scheduler,
    configure_lr_schedulers,
)
from schedulers.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts, CosineDecayLR
from schedulers.cyclic import CyclicLR
from schedulers.decay import (
    ConstantLR,
    ExponentialLR,
    InverseExponentialTimeDecayLR,
    InverseSquareRootDecayLR,
    LinearLR,
    PolynomialLR,
)
from schedulers.errors import (
    ComposedSchedulerError,
    HyperparameterError,
    HyperparameterTypeError,
    MilestoneError,
    NotAnOptimizerError,
    OptimizerMismatchError,
    SchedulerError,
    SchedulerStateError,
    ScheduleSectionError,
    UnchainableSchedulerError,
    UnknownSchedulerError,
    UnreadableRateError,
    UnsupportedScheduleError,
)
from schedulers.lambdas import LambdaLR, MultiplicativeLR
from schedulers.one_cycle import OneCycleLR
from schedulers.sections import ScheduleSection, read_grouped_schedules, read_learning_rate
from schedulers.stepwise import MultiStepLR, PiecewiseConstantLR, StepLR

__all__ = [
    "ChainedScheduler",
    "ComposedLR",
    "ComposedSchedulerError",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CosineDecayLR",
    "CyclicLR",
    "ExponentialLR",
    "HyperparameterError",
    "HyperparameterTypeError",
    "InverseExponentialTimeDecayLR",
    "InverseSquareRootDecayLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MilestoneError",
    "MultiStepLR",
    "MultiplicativeLR",
    "NotAnOptimizerError",
    "OneCycleLR",
    "OptimizerMismatchError",
    "PiecewiseConstantLR",
    "PolynomialLR",
    "ScheduleSection",
    "ScheduleSectionError",
    "SchedulerError",
    "SchedulerStateError",
    "SequentialLR",
    "StepLR",
    "UnchainableSchedulerError",
    "UnknownSchedulerError",
    "UnreadableRateError",
    "UnsupportedScheduleError",
    "build_formula",
    "build_scheduler",
    "configure_lr_scheduler",
    "configure_lr_schedulers",
    "read_grouped_schedules",
    "read_learning_rate",
]

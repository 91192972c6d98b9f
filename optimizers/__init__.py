"""The optimizers of the reference API, with all state allocated before the first step."""

from __future__ import annotations

from optimizers.adadelta import Adadelta
from optimizers.adafactor import Adafactor
from optimizers.adagrad import Adagrad
from optimizers.adam import Adam, AdamBase, AdamW
from optimizers.adamax import Adamax
from optimizers.asgd import ASGD
from optimizers.base import Optimizer
from optimizers.clipping import clip_grad_norm_static
from optimizers.compiled import compiled_step
from optimizers.configure import OptimizerSection, configure_optimizer, read_section
from optimizers.convert import from_torch, to_torch
from optimizers.lamb import Lamb
from optimizers.lion import Lion
from optimizers.loss_scaling import DynamicLossScale
from optimizers.muon import Muon
from optimizers.nadam import NAdam
from optimizers.radam import RAdam
from optimizers.rmsprop import RMSprop
from optimizers.rprop import Rprop
from optimizers.sgd import SGD

__all__ = [
    "ASGD",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamBase",
    "AdamW",
    "Adamax",
    "DynamicLossScale",
    "Lamb",
    "Lion",
    "Muon",
    "NAdam",
    "Optimizer",
    "OptimizerSection",
    "RAdam",
    "RMSprop",
    "Rprop",
    "clip_grad_norm_static",
    "compiled_step",
    "configure_optimizer",
    "from_torch",
    "read_section",
    "to_torch",
]

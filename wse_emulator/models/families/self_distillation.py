"""Self-distillation of vision transformers (DINO): a frozen teacher, a student, two heads each."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from wse_emulator.configs.section import Section
from wse_emulator.models.block import BLOCK_NAMES
from wse_emulator.models.family import Example, Family
from wse_emulator.models.registry import configured
from wse_emulator.models.vision import VisionFacts, VisionTrunk, configured_vision, images


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadFacts:
    """Sizes of a head: dense layers to a bottleneck, then the prototypes.

    Attributes:
        width: of the tokens that it reads.
        layers: dense layers up to the bottleneck.
        hidden, bottleneck, out: widths of the inner layers, of the bottleneck, of the prototypes.
        bias: the dense layers have a bias.
        scaled: the length of each prototype is trained too; else it is one.
    """

    width: int
    layers: int
    hidden: int
    bottleneck: int
    out: int
    bias: bool = True
    scaled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillationFacts:
    """Sizes of a self-distillation, and on how many views of an image it is trained.

    Attributes:
        teacher, student: their vision transformers.
        teacher_heads, student_heads: their heads, for class tokens and for patches.
        global_views, local_views: crops of each image; only the student sees the local ones.
        local_image: (height, width) of a local crop in pixels.
    """

    teacher: VisionFacts
    student: VisionFacts
    teacher_heads: tuple[HeadFacts, ...]
    student_heads: tuple[HeadFacts, ...]
    global_views: int = 2
    local_views: int = 8
    local_image: tuple[int, int] = (98, 98)


class DistillationHead(nn.Module):
    """Dense layers to a bottleneck, then the prototypes, each a direction and a length."""

    def __init__(self, facts: HeadFacts) -> None:
        super().__init__()
        widths = [facts.width, *[facts.hidden] * (facts.layers - 1), facts.bottleneck]
        self.dense = nn.ModuleList(
            nn.Linear(w, out, bias=facts.bias) for w, out in itertools.pairwise(widths)
        )
        self.prototypes = nn.Linear(facts.bottleneck, facts.out, bias=False)
        self.lengths = nn.Parameter(torch.empty(facts.out, 1), requires_grad=facts.scaled)

    def forward(self, x: Tensor) -> Tensor:
        """Score the prototypes; (..., hidden) in, (..., prototypes) out."""
        for number, dense in enumerate(self.dense):
            x = dense(functional.gelu(x) if number else x)
        directions = functional.normalize(self.prototypes.weight, dim=-1) * self.lengths
        return functional.linear(functional.normalize(x, dim=-1), directions)


class SelfDistillation(Family):
    """A teacher without gradients and a student that learns to agree with it."""

    configured_names = (
        ("teacher_heads.0.", "heads.model.0."),
        ("heads.0.", "heads.model.1."),
        ("teacher_heads.1.", "heads.model.2."),
        ("heads.1.", "heads.model.3."),
        ("teacher.", "image_model_trunks.model.0."),
        ("student.", "image_model_trunks.model.1."),
        *BLOCK_NAMES,
    )

    def __init__(self, facts: DistillationFacts) -> None:
        super().__init__()
        self.facts = facts
        self.teacher = VisionTrunk(facts.teacher)
        self.teacher_heads = nn.ModuleList(DistillationHead(one) for one in facts.teacher_heads)
        for part in (self.teacher, self.teacher_heads):
            part.requires_grad_(False)
        self.student = VisionTrunk(facts.student)
        self.heads = nn.ModuleList(DistillationHead(one) for one in facts.student_heads)

    def forward(self, whole: Tensor, parts: Tensor) -> Tensor:
        """The loss between the student's tokens and the teacher's, for classes and for patches."""
        goal = self.teacher(whole)
        seen = self.student(whole)
        loss: Tensor = whole.new_zeros(())
        for number, (head, aim) in enumerate(zip(self.heads, self.teacher_heads, strict=True)):
            taken = seen[:, 0] if number == 0 else seen[:, 1:]
            given = goal[:, 0] if number == 0 else goal[:, 1:]
            loss = loss - (head(taken).log_softmax(-1) * aim(given).softmax(-1)).sum()
        local: Tensor = self.heads[0](self.student(parts)[:, 0])
        return loss - local.log_softmax(-1).sum()

    def example(self, batch: int, sequence: int | None, target: int | None) -> Example:  # noqa: ARG002 - images have one size
        """Global and local crops of the images, on the meta device."""
        facts = self.facts
        whole = images(batch * facts.global_views, facts.student.channels, facts.student.image)
        parts = images(batch * facts.local_views, facts.student.channels, facts.local_image)
        return Example((whole, parts))


@configured(
    "self-distillation of vision transformers (DINOv2)",
    *("dino", "dinov2", "generic_image_encoders"),
    when=lambda settings: settings.has("image_model_trunks"),
    place=10,
)
def configured_self_distillation(settings: Section, _name: str | None) -> nn.Module:
    """The self-distillation that a run config describes: a trunk and heads whose gradient is
    stopped, and as many that are trained."""
    trunks = settings.each("image_model_trunks", "image_model")
    heads = settings.each("heads", "head_model")
    stopped, trained = _parts(settings, "image_model_trunks", trunks)
    if (len(stopped), len(trained)) != (1, 1):
        raise settings.refused(
            f"image_model_trunks has {len(stopped)} trunks whose gradient is stopped (stop_grad) "
            f"and {len(trained)} others; a self-distillation has one teacher and one student"
        )
    student = configured_vision(trained[0], 0)
    local = trained[0].section("interpolate_position_embedding")
    patches = local.pair("local_patch_dims") if local.has("local_patch_dims") else (7, 7)
    apart = stopped[0].section("interpolate_position_embedding")
    if apart.entries != local.entries:
        raise settings.refused("the trunks differ in interpolate_position_embedding")
    apart.take("local_patch_dims")
    stopped_heads, trained_heads = _parts(settings, "heads", heads)
    if len(stopped_heads) != len(trained_heads):
        raise settings.refused(
            f"heads has {len(stopped_heads)} heads whose gradient is stopped (stop_grad) and "
            f"{len(trained_heads)} others; teacher and student have as many"
        )
    width = student.block.hidden
    return SelfDistillation(
        DistillationFacts(
            teacher=configured_vision(stopped[0], 0),
            student=student,
            teacher_heads=tuple(_head(section, width) for section in stopped_heads),
            student_heads=tuple(_head(section, width) for section in trained_heads),
            local_image=(patches[0] * student.patch[0], patches[1] * student.patch[1]),
        )
    )


def _parts(
    settings: Section, key: str, entries: tuple[tuple[Section, Section], ...]
) -> tuple[list[Section], list[Section]]:
    """The sections of those whose gradient is stopped, and of the others."""
    parts: tuple[list[Section], list[Section]] = ([], [])
    for entry, inner in entries:
        name = inner.get("name", "")
        if name.lower() not in _KINDS[key]:
            raise settings.refused(
                f"{key} holds a {name!r}; a self-distillation is built of {', '.join(_KINDS[key])}"
            )
        parts[0 if entry.get("stop_grad", False) else 1].append(inner)
    return parts


_KINDS: Final = {
    "image_model_trunks": ("multiimagevitmodel", "vit", "vitmodel"),
    "heads": ("dinohead",),
}


def _head(settings: Section, width: int) -> HeadFacts:
    given = settings.size("input_size", width)
    if given != width:
        raise settings.refused(f"input_size {given} is not the {width} of the trunk (hidden_size)")
    return HeadFacts(
        width=width,
        layers=settings.layers("num_layers", 3),
        hidden=settings.size("hidden_size"),
        bottleneck=settings.size("bottleneck_size"),
        out=settings.size("output_size"),
        bias=settings.get("use_bias_in_mlp", True),
        scaled=not settings.get("norm_last_layer", False),
    )

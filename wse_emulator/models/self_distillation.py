"""Self-distillation of vision transformers (DINO): a frozen teacher, a student, two heads each."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from wse_emulator.models.vision import VisionFacts, VisionTrunk, images


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillationFacts:
    """What is trained on how many views of an image.

    Attributes:
        trunk: the vision transformer, the same for teacher and student.
        head_hidden, head_bottleneck, head_out: widths of a head's layers.
        heads: heads of the student, and as many of the teacher.
        global_views, local_views: crops an image; local ones are seen by the student alone.
        local_image: (height, width) of a local crop in pixels.
    """

    trunk: VisionFacts
    head_hidden: int
    head_bottleneck: int
    head_out: int
    heads: int = 2
    global_views: int = 2
    local_views: int = 8
    local_image: tuple[int, int] = (98, 98)


class DistillationHead(nn.Module):
    """Three dense layers to a bottleneck, then the prototypes."""

    def __init__(self, facts: DistillationFacts) -> None:
        super().__init__()
        hidden = facts.head_hidden
        self.first = nn.Linear(facts.trunk.block.hidden, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.third = nn.Linear(hidden, facts.head_bottleneck)
        self.prototypes = nn.Linear(facts.head_bottleneck, facts.head_out, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., hidden) -> (..., prototypes)."""
        x = functional.gelu(self.first(x))
        x = self.third(functional.gelu(self.second(x)))
        scores: Tensor = self.prototypes(functional.normalize(x, dim=-1))
        return scores


class SelfDistillation(nn.Module):
    """Teacher and student; the teacher takes no gradient."""

    def __init__(self, facts: DistillationFacts) -> None:
        super().__init__()
        self.facts = facts
        self.teacher = VisionTrunk(facts.trunk)
        self.teacher_heads = nn.ModuleList(DistillationHead(facts) for _ in range(facts.heads))
        for part in (self.teacher, self.teacher_heads):
            part.requires_grad_(False)
        self.student = VisionTrunk(facts.trunk)
        self.heads = nn.ModuleList(DistillationHead(facts) for _ in range(facts.heads))

    def forward(self, whole: Tensor, parts: Tensor) -> Tensor:
        """The loss: class tokens of all views against the teacher's, and patches."""
        goal = self.teacher(whole)
        seen = self.student(whole)
        loss: Tensor = whole.new_zeros(())
        for number, (head, aim) in enumerate(zip(self.heads, self.teacher_heads, strict=True)):
            taken = seen[:, 0] if number == 0 else seen[:, 1:]
            given = goal[:, 0] if number == 0 else goal[:, 1:]
            loss = loss - (head(taken).log_softmax(-1) * aim(given).softmax(-1)).sum()
        local: Tensor = self.heads[0](self.student(parts)[:, 0])
        return loss - local.log_softmax(-1).sum()

    def example(self, batch: int) -> tuple[Tensor, ...]:
        """Arguments of ``forward`` on the meta device."""
        facts = self.facts
        return (
            images(batch * facts.global_views, facts.trunk.channels, facts.trunk.image),
            images(batch * facts.local_views, facts.trunk.channels, facts.local_image),
        )


def build_self_distillation(facts: DistillationFacts) -> nn.Module:
    """The whole on the meta device."""
    with torch.device("meta"):
        return SelfDistillation(facts)

"""Self-distillation of vision transformers (DINO): a frozen teacher, a student, two heads each."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from wse_emulator.configs.section import Section
from wse_emulator.models.family import Example, Family
from wse_emulator.models.registry import configured
from wse_emulator.models.vision import VisionFacts, VisionTrunk, configured_vision, images


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillationFacts:
    """Sizes of a self-distillation, and on how many views of an image it is trained.

    Attributes:
        trunk: the vision transformer, the same for teacher and student.
        head_hidden, head_bottleneck, head_out: widths of a head's layers.
        heads: heads of the student, and as many of the teacher.
        global_views, local_views: crops of each image; only the student sees the local ones.
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
        """Score the prototypes; (..., hidden) in, (..., prototypes) out."""
        x = functional.gelu(self.first(x))
        x = self.third(functional.gelu(self.second(x)))
        scores: Tensor = self.prototypes(functional.normalize(x, dim=-1))
        return scores


class SelfDistillation(Family):
    """A teacher without gradients and a student that learns to agree with it."""

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
        whole = images(batch * facts.global_views, facts.trunk.channels, facts.trunk.image)
        parts = images(batch * facts.local_views, facts.trunk.channels, facts.local_image)
        return Example((whole, parts))


@configured(lambda settings, _name: settings.has("image_model_trunks"), place=10)
def configured_self_distillation(settings: Section, _name: str | None) -> nn.Module:
    """The self-distillation that a run config describes."""
    trunk = settings.first("image_model_trunks", "image_model")
    head = settings.first("heads", "head_model")
    patch = trunk.pair("patch_size")
    local = trunk.section("interpolate_position_embedding")
    patches = local.pair("local_patch_dims") if local.has("local_patch_dims") else (7, 7)
    return SelfDistillation(
        DistillationFacts(
            trunk=configured_vision(trunk, 0),
            head_hidden=head.size("hidden_size"),
            head_bottleneck=head.size("bottleneck_size"),
            head_out=head.size("output_size"),
            local_image=(patches[0] * patch[0], patches[1] * patch[1]),
        )
    )

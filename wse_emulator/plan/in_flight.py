"""How many bytes of activations are alive: by stage in a pipeline, in all when weights stream."""

from __future__ import annotations

from collections.abc import Iterator

from wse_emulator.plan.activations import ActivationProfile, LayerActivations


def samples_in_flight(stage: int, stages: int, batch: int, micro_batch: int) -> int:
    """Samples that a stage of a pipeline holds at a time.

    Micro-batches move through the stages one after the other and come back in backward; with one
    forward and one backward in turn, stage i of p holds at most p - i of them
    (Narayanan et al., arXiv:2104.04473, section 2.2). No more than the batch exist.
    """
    return min(batch, (stages - stage) * micro_batch)


def pipelined_bytes(
    profile: ActivationProfile, batch: int, micro_batch: int, recomputed: int
) -> dict[str, int]:
    """Layer name -> bytes alive in its rectangle when all layers are on the wafer.

    The first ``recomputed`` numbered layers, which hold the most samples, keep what entered them
    and run forward again before backward, one micro-batch at a time.
    """
    stages = profile.stages
    alive: dict[str, int] = {}
    for index, (stage, again) in enumerate(_marked(profile, recomputed)):
        flight = samples_in_flight(index, len(stages), batch, micro_batch)
        needed = _stage_bytes(stage, flight, min(batch, micro_batch), again)
        alive[stage.layer] = alive.get(stage.layer, 0) + needed
    return alive


def _stage_bytes(stage: LayerActivations, flight: int, micro_batch: int, again: bool) -> int:
    whole = flight * stage.kept
    if again:
        entering = stage.entering + stage.shared_entering
        whole = min(whole, flight * entering + micro_batch * stage.kept)
    return whole + stage.fixed


def streaming_bytes(
    profile: ActivationProfile, batch: int, micro_batch: int, recomputed: int
) -> dict[str, int]:
    """What -> bytes alive on the wafer when weights stream in layer by layer.

    The whole batch goes through a layer before the next layer's weights come, so every sample
    keeps its activations until backward, and backward carries one gradient a sample from layer
    to layer. Samples stream through a layer: of a recomputed layer the working set is that of
    ``micro_batch`` samples, once, for the largest such layer.
    """
    kept = entered = working = between = fixed = 0
    together = min(batch, micro_batch)
    last = max((i for i, stage in enumerate(profile.stages) if stage.numbered), default=-1)
    for index, (stage, again) in enumerate(_marked(profile, recomputed)):
        fixed += stage.fixed
        between = max(between, batch * stage.entering)
        # output layer and loss: backward of a sample follows at once, with the same weights
        if again or index > last >= 0:
            entered += batch * stage.entering
            working = max(working, together * stage.kept)
        else:
            kept += batch * stage.saved
    return {
        "saved for backward": kept,
        "layer inputs": entered,
        "gradients between layers": between,
        "working set of a layer": working,
        "independent of the batch": fixed,
    }


def _marked(profile: ActivationProfile, recomputed: int) -> Iterator[tuple[LayerActivations, bool]]:
    """Every stage with whether it is recomputed: the first ``recomputed`` numbered layers, and if
    those are all of them, what lies between the layers too."""
    full = recomputed >= recomputable_layers(profile) > 0
    numbered = 0
    for stage in profile.stages:
        numbered += stage.numbered
        yield stage, full or (stage.numbered and numbered <= recomputed)


def recomputable_layers(profile: ActivationProfile) -> int:
    """Number of layers that can be recomputed."""
    return sum(stage.numbered for stage in profile.stages)

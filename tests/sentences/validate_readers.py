"""What ``wse validate`` says, held to its JSON."""

from __future__ import annotations

import re
from typing import Any, Final

from tests.sentences.heard import Heard
from tests.sentences.numbers import share_agrees, whole
from tests.sentences.reader import reads

Match = re.Match[str]

WHY_NOT: Final = {
    "gave a coefficient": "calibrates",
    "have their machine's rates from the same source": "consistency",
    "are contested": "contested",
    "repeat the figure of another record": "repeats",
}


def _standing(heard: Heard, *wanted: str) -> int:
    document: dict[str, Any] = heard.document
    return sum(one["standing"] in wanted for one in document["records"])


@reads(
    "standings",
    "<compared:NUMBER> record[s] compared, <scored:NUMBER> scored[; not scored: <others:NAME>].",
    ("validate",),
)
def _standings(said: Match, heard: Heard) -> bool:
    others = {}
    for part in (said["others"] or "").split(", ") if said["others"] else []:
        many, words = part.split(" ", 1)
        others[WHY_NOT[words]] = whole(many)
    counted = {name: _standing(heard, name) for name in WHY_NOT.values()}
    return (
        whole(said["compared"]) == _standing(heard, "scored", *WHY_NOT.values())
        and whole(said["scored"]) == _standing(heard, "scored")
        and others == {name: many for name, many in counted.items() if many}
    )


@reads(
    "nulls_nearer",
    "The null model, two numbers fitted to the records that they are judged by (constant + "
    "slope x size), is nearer than the mechanism for <operations:NAME>).",
    ("validate",),
)
def _nulls(said: Match, heard: Heard) -> bool:
    document: dict[str, Any] = heard.document
    nearer = {
        name: one
        for group in document["groups"]
        for name, one in group["operations"].items()
        if one["null_count"] == one["count"] and one["null_mean_abs_error"] < one["mean_abs_error"]
    }
    told = re.findall(r"(\w+) \(mean ([^)]*?) against ([^)]*)", said["operations"])
    return [name for name, _, _ in told] == list(nearer) and all(
        share_agrees(null, nearer[name]["null_mean_abs_error"])
        and share_agrees(mean, nearer[name]["mean_abs_error"])
        for name, null, mean in told
    )


@reads(
    "left_out_words",
    "<many:NUMBER> record[s] of <what:NAME> left out; wse validate <how:NAME> asks.",
    ("validate",),
)
def _left_out(said: Match, heard: Heard) -> bool:
    asked = heard.value("--group") == "training"
    what = "single operations" if asked else "whole training steps"
    how = "without --group training" if asked else "--group training"
    return (
        whole(said["many"]) == _standing(heard, "left_out") > 0
        and said["what"] == what
        and said["how"] == how
    )


@reads(
    "coefficients_words",
    "<many:NUMBER> coefficients of kernels are not explained by a rule of the machine; wse wafers "
    "NAME lists them with the records that gave them.",
    ("validate",),
)
def _coefficients(said: Match, heard: Heard) -> bool:
    document: dict[str, Any] = heard.document
    return whole(said["many"]) == len(document["coefficients"]) <= 20

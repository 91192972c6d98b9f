"""What the other commands say, held to their JSON: preflight, explain, compare, and the rest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.sentences.heard import Heard, cells
from tests.sentences.numbers import share_agrees, time_agrees, whole
from tests.sentences.reader import reads
from tests.sentences.readers import FORMS, fits, forms_agree, machine, request

Match = re.Match[str]


# preflight


@reads("page_heading", "<model:NAME> with <optimizer:NAME> on <wafer:REST>", ("preflight",))
def _page(said: Match, heard: Heard) -> bool:
    document = heard.document
    return (
        said["wafer"] == heard.value("--wafer") == document["wafer"]
        and said["optimizer"] == document["optimizer"]
    )


@reads("ready", "Ready to queue[, but see <what:NAME>].", ("preflight",))
def _ready(said: Match, heard: Heard) -> bool:
    changes = bool(heard.document["changes"])
    return heard.code == 0 and fits(heard) and changes == (said["what"] == "what to change")


@reads("ready", "Do not queue: <why:NAME>.", ("preflight",))
def _not_ready(said: Match, heard: Heard) -> bool:
    why = {
        4: "a static-state rule is broken",
        3: "it does not fit",
        2: "something is missing or cannot be used",
    }
    document = heard.document
    first = 4 if document["violations"] else 3 if document["fits"] is False else 2
    return heard.code == document["exit_code"] == first and said["why"] == why[first]


@reads("unknown_words", "Not known[; what to change says why].", ("preflight",))
def _unknown(said: Match, heard: Heard) -> bool:
    return (heard.document["changes"] != []) == ("what to change" in said[0])


@reads("not_timed", "Not timed, since it does not fit.", ("preflight",))
def _not_timed(said: Match, heard: Heard) -> bool:
    return said is not None and not fits(heard) and heard.document["step_time"] is None


@reads("legal_words", "The step keeps all static-state rules.", ("preflight",))
def _legal(said: Match, heard: Heard) -> bool:
    document = heard.document
    return said is not None and document["legal"] is True and document["violations"] == []


@reads("legal_words", "<messages:REST>", ("preflight",))
def _illegal(said: Match, heard: Heard) -> bool:
    violations: list[dict[str, Any]] = heard.document.get("violations", [])  # type: ignore[assignment]
    return said["messages"] == "; ".join(violation["message"] for violation in violations[:3])


@reads("course_words", "The rate is <rate:NUMBER> in every step.", ("preflight",))
def _constant(said: Match, heard: Heard) -> bool:
    course = _course(heard)
    rates = {course[place]["rate"] for place in ("first", "highest", "last")}
    given = heard.value("--lr")
    return rates == {float(said["rate"])} and given in (None, said["rate"])


@reads(
    "course_words",
    "<name:NAME> starts at <first:NUMBER> and is highest in the last step, <end:NUMBER>, with "
    "<high:NUMBER>.",
    ("preflight",),
)
def _rising(said: Match, heard: Heard) -> bool:
    course = _course(heard)
    return (
        said["name"] == course["scheduler"]
        and _near(said["first"], course["first"]["rate"])
        and _near(said["high"], course["highest"]["rate"])
        and course["highest"] == course["last"]
        and whole(said["end"]) == course["last"]["step"]
        and course["last"]["rate"] >= course["first"]["rate"]
    )


@reads(
    "course_words",
    "<name:NAME> starts at <first:NUMBER>, is highest at step <step:NUMBER> with "
    "<high:NUMBER>, and "
    "ends at <last:NUMBER> in step <end:NUMBER>.",
    ("preflight",),
)
def _schedule(said: Match, heard: Heard) -> bool:
    course = _course(heard)
    return (
        said["name"] == course["scheduler"]
        and _near(said["first"], course["first"]["rate"])
        and _near(said["high"], course["highest"]["rate"])
        and _near(said["last"], course["last"]["rate"])
        and whole(said["step"]) == course["highest"]["step"] <= whole(said["end"])
        and whole(said["end"]) == course["last"]["step"]
        and course["highest"]["rate"] >= max(course["first"]["rate"], course["last"]["rate"])
    )


def _course(heard: Heard) -> dict[str, Any]:
    schedules: list[dict[str, Any]] = heard.document["schedules"]  # type: ignore[assignment]
    return schedules[0]


def _near(text: str, rate: float) -> bool:
    return abs(float(text) - rate) <= 1e-5 * abs(rate)


@reads("submit_words", "Do not submit it as asked; what to change is below.", ("preflight",))
def _no_submission(said: Match, heard: Heard) -> bool:
    document = heard.document
    return (
        said is not None
        and not fits(heard)
        and document["submit"] is None
        and bool(document["changes"])
    )


@reads(
    "submit_words",
    "Submit a batch of <batch:NUMBER> sample[s][ of <length:NUMBER> token[s]], "
    "<micro:NUMBER> at a "
    "time; recomputation: <recompute:NAME>.",
    ("preflight",),
)
def _submission(said: Match, heard: Heard) -> bool:
    submit: dict[str, Any] = heard.document["submit"]  # type: ignore[assignment]
    length = whole(said["length"]) if said["length"] else None
    return (
        fits(heard)
        and whole(said["batch"]) == submit["batch_size"] == request(heard)["batch_size"]
        and whole(said["micro"]) == submit["micro_batch"] <= submit["batch_size"]
        and said["recompute"] == submit["recompute"]
        and length == submit["sequence_length"]
    )


@reads(
    "time_words",
    f"<cycles:NUMBER> cycle[s] = <time:TIME>{FORMS}: the optimizer step alone[ in <policy:NAME> "
    "precision]; "
    "forward and backward are not timed.",
    ("preflight",),
)
def _step_of_page(said: Match, heard: Heard) -> bool:
    time: dict[str, Any] = heard.document["step_time"]  # type: ignore[assignment]
    policy = request(heard)["precision"]["name"]
    return (
        whole(said["cycles"]) == time["cycles"]
        and time_agrees(said["time"], time["seconds"])
        and forms_agree(said, heard, time["forms"], time["cycles"])
        and said["policy"] == (None if policy == "as captured" else policy)
    )


@reads(
    "time_words",
    "At least <time:TIME>: weights and gradients over the link, the least a step takes; the "
    "optimizer runs at the weight server and is not timed.",
    ("preflight",),
)
def _link_of_page(said: Match, heard: Heard) -> bool:
    document: dict[str, Any] = heard.document
    return (
        document["fit"]["mode"] == "weight-streaming"
        and document["step_time"]["cycles"] is None
        and time_agrees(said["time"], document["step_time"]["seconds"])
    )


@reads("change_number", "<number:NUMBER>. <change:REST>.", ("preflight",))
def _change(said: Match, heard: Heard) -> bool:
    changes: list[str] = heard.document["changes"]  # type: ignore[assignment]
    return changes[int(said["number"]) - 1] == said["change"]


@reads("changes_heading", "What to change:", ("preflight",))
def _changes(said: Match, heard: Heard) -> bool:
    return said is not None and heard.document["changes"] != []


@reads("changes_heading", "Nothing <what:NAME>.", ("preflight",))
def _no_changes(said: Match, heard: Heard) -> bool:
    what = "has to change" if heard.code == 0 else "that was tried makes it fit"
    return said["what"] == what and heard.document["changes"] == []


# explain


@reads(
    "explained_time",
    "<model:NAME> with <optimizer:NAME> on <wafer:NAME>: one step takes <cycles:NUMBER> "
    "cycle[s] = "
    f"<time:TIME>{FORMS}.",
    ("explain",),
)
def _explained(said: Match, heard: Heard) -> bool:
    document: dict[str, Any] = heard.document
    return (
        whole(said["cycles"]) == document["cycles"]
        and time_agrees(said["time"], document["cycles"] / machine(heard).clock_hz)
        and forms_agree(said, heard, document["forms"], document["cycles"])
        and said["wafer"] == heard.value("--wafer")
        and said["optimizer"] == document["optimizer"]
    )


@reads(
    "last_pe",
    "The last PE to finish is row <row:NUMBER> column <col:NUMBER>: <phases:NAME> %.",
    ("explain",),
)
def _last_pe(said: Match, heard: Heard) -> bool:
    document: dict[str, Any] = heard.document
    lengths: dict[str, int] = {}
    for part in document["critical_path"]:
        length = part["end_cycle"] - part["start_cycle"]
        lengths[part["phase"]] = lengths.get(part["phase"], 0) + length
    told = re.findall(r"[\d.]+ %|under [\d.]+ %", said["phases"] + " %")
    spent = [length for length in lengths.values() if length]
    return [whole(said["row"]), whole(said["col"])] == document["critical_pe"] and all(
        share_agrees(text, length / document["cycles"])
        for text, length in zip(told, spent, strict=True)
    )


@reads(
    "costliest_limit",
    "What costs most is <limit:NAME>. Without it (<lifted:NAME>) the step would take "
    "<cycles:NUMBER> cycle[s], <share:SHARE> less.",
    ("explain",),
)
def _costliest(said: Match, heard: Heard) -> bool:
    document: dict[str, Any] = heard.document
    machine = [e for e in document["effects"] if e["kind"] != "unknown"]
    most = max(effect["saved_cycles"] for effect in machine)
    effect = next(e for e in machine if e["limit"] == said["limit"])
    return (
        effect["saved_cycles"] == most > 0
        and effect["lifted"] == said["lifted"]
        and whole(said["cycles"]) == effect["cycles"] == document["cycles"] - most
        and share_agrees(said["share"], most / document["cycles"])
    )


@reads("costliest_limit", "No single limit costs anything: several bind at once.", ("explain",))
def _no_limit(said: Match, heard: Heard) -> bool:
    effects: list[dict[str, Any]] = heard.document["effects"]  # type: ignore[assignment]
    return said is not None and all(
        e["saved_cycles"] == 0 for e in effects if e["kind"] != "unknown"
    )


@reads("what_helps", "What helps: <changes:NAME> less.", ("explain",))
def _helps(said: Match, heard: Heard) -> bool:
    document: dict[str, Any] = heard.document
    helping = [c for c in document["changes"] if c["saved_cycles"] > 0]
    told = re.findall(
        r"(?:^|; )(.+?) \((--.+?)\), ([\d,]+) cycles?, (\S+ \S* ?%) less", said["changes"] + " less"
    )
    return len(told) == len(helping) and all(
        (what, arguments, whole(cycles)) == (c["what"], " ".join(c["arguments"]), c["cycles"])
        and share_agrees(share.strip(), 1 - c["cycles"] / document["cycles"])
        for (what, arguments, cycles, share), c in zip(told, helping, strict=True)
    )


@reads("what_helps", "Nothing that was tried makes it shorter: <tried:NAME>.", ("explain",))
def _no_help(said: Match, heard: Heard) -> bool:
    document: dict[str, Any] = heard.document
    changes = document["changes"]
    return ", ".join(c["what"] for c in changes) == said["tried"] and all(
        c["cycles"] >= document["cycles"] for c in changes
    )


@reads(
    "stretches_left_out",
    "<count:NUMBER> shorter stretch[es] left out, <cycles:NUMBER> cycle[s]; all are in the JSON.",
    ("explain",),
)
def _stretches(said: Match, heard: Heard) -> bool:
    parts: list[dict[str, int]] = heard.document["critical_path"]  # type: ignore[assignment]
    lengths = sorted(part["end_cycle"] - part["start_cycle"] for part in parts)
    left = lengths[: whole(said["count"])]
    return len(lengths) - len(left) == 10 and sum(left) == whole(said["cycles"])


@reads(
    "limits_overlap",
    "Limits overlap, so the savings do not sum. Each line is an emulation of its own.[ No limit "
    "here: the machine has the lifted <value:NAME> already.]",
    ("explain",),
)
def _overlap(said: Match, heard: Heard) -> bool:
    effects: list[dict[str, Any]] = heard.document["effects"]  # type: ignore[assignment]
    shown = any("no limit here" in row for table in heard.tables for row in cells(table))
    return (said["value"] is not None) == shown == (not all(e["binds"] for e in effects))


# compare


@reads("before_words", "Before: <what:NAME> columns)", ("compare",))
def _before(said: Match, heard: Heard) -> bool:
    return f"{said['what']} columns)" == heard.document["before"]


@reads("after_words", "After: <what:NAME> columns)", ("compare",))
def _after(said: Match, heard: Heard) -> bool:
    return f"{said['what']} columns)" == heard.document["after"]


def _sides(heard: Heard, name: str, unit: str) -> tuple[float, float]:
    totals: list[dict[str, Any]] = heard.document["totals"]  # type: ignore[assignment]
    total = next(t for t in totals if (t["name"], t["unit"]) == (name, unit))
    return total["before"], total["after"]


@reads("step_change", "The step: not timed in either.", ("compare",))
def _timed_in_none(said: Match, heard: Heard) -> bool:
    return said is not None and heard.document["timed"] == [False, False]


@reads("step_change", "The step: <before:NAME> before, <after:NAME> after.", ("compare",))
def _timed_in_one(said: Match, heard: Heard) -> bool:
    timed: list[bool] = heard.document["timed"]  # type: ignore[assignment]
    sides = _sides(heard, "step", "cycles")
    return sum(timed) == 1 and all(
        text == (f"{side:,.0f} cycles" if was else "not timed")
        for text, side, was in zip((said["before"], said["after"]), sides, timed, strict=True)
    )


@reads("step_change", "The step takes <cycles:NUMBER> cycle[s], as before.", ("compare",))
def _same_step(said: Match, heard: Heard) -> bool:
    before, after = _sides(heard, "step", "cycles")
    return before == after == whole(said["cycles"]) and heard.document["timed"] == [True, True]


@reads(
    "step_change",
    "The step takes <share:SHARE> <less:NAME> cycles: <before:NUMBER> cycle[s] before, "
    "<after:NUMBER> cycle[s] after.",
    ("compare",),
)
def _other_step(said: Match, heard: Heard) -> bool:
    return _compared(said, _sides(heard, "step", "cycles"))


@reads("peak_change", "The fullest PE holds <peak:BYTES>, as before.", ("compare",))
def _same_peak(said: Match, heard: Heard) -> bool:
    before, after = _sides(heard, "fullest PE", "bytes")
    return before == after == whole(said["peak"])


@reads(
    "peak_change",
    "The fullest PE holds <share:SHARE> <less:NAME> bytes: <before:BYTES> before, <after:BYTES> "
    "after.",
    ("compare",),
)
def _other_peak(said: Match, heard: Heard) -> bool:
    return _compared(said, _sides(heard, "fullest PE", "bytes"))


def _compared(said: Match, sides: tuple[float, float]) -> bool:
    before, after = sides
    return (
        (whole(said["before"]), whole(said["after"])) == sides
        and said["less"] == ("fewer" if after < before else "more")
        and share_agrees(said["share"], abs(after - before) / before)
    )


# check, collective, schedule, wafers, files


@reads(
    "rules_verdict",
    "Legal: <optimizer:NAME> keeps all static-state rules over <steps:NUMBER> step[s].",
    ("check",),
)
def _keeps(said: Match, heard: Heard) -> bool:
    document = heard.document
    return (
        heard.code == 0
        and document["violations"] == []
        and whole(said["steps"]) == document["steps"]
        and heard.value("--steps") in (None, said["steps"])
    )


@reads(
    "rules_verdict",
    "Not legal: <optimizer:NAME> has <count:NUMBER> violation[s] of the static-state rules.",
    ("check",),
)
def _breaks(said: Match, heard: Heard) -> bool:
    violations: list[object] = heard.document["violations"]  # type: ignore[assignment]
    return heard.code == 4 and whole(said["count"]) == len(violations) > 0


@reads(
    "collective_time",
    "<kind:NAME> of <length:NUMBER> wavelet[s] over <rows:NUMBER> x <cols:NUMBER> PEs of "
    "<wafer:NAME>: <cycles:NUMBER> cycle[s] = <time:TIME> (<algorithms:NAME>).",
    ("collective",),
)
def _collective(said: Match, heard: Heard) -> bool:
    document: dict[str, Any] = heard.document
    shape = whole(said["rows"]), whole(said["cols"])
    return (
        said["kind"] == heard.words[1]
        and said["length"].replace(",", "") == heard.value("--wavelets")
        and shape == (document["rows"], document["cols"])
        and whole(said["cycles"]) == document["cycles"]
        and time_agrees(said["time"], document["seconds"])
        and said["algorithms"] == "; ".join(document["algorithms"])
    )


@reads(
    "collective_bounds",
    "The published formula gives <formula:NUMBER> cycle[s]; no algorithm takes fewer than "
    "<least:NUMBER>, by the length of the vector and the distance.",
    ("collective",),
)
def _bounds(said: Match, heard: Heard) -> bool:
    document: dict[str, Any] = heard.document
    return (
        whole(said["formula"]) == document["bounds"]["published_formula_cycles"]
        and whole(said["least"]) == document["bounds"]["least_cycles"] <= document["cycles"]
    )


@reads(
    "candidates_words",
    "Along the <place:NAME> the best is <best:NAME>; in cycles: <listed:NAME>.",
    ("collective",),
)
def _candidates(said: Match, heard: Heard) -> bool:
    ranked: list[dict[str, Any]] = heard.document["candidates"][said["place"]]  # type: ignore[index]
    listed = [f"{one['algorithm']} {one['cycles']:,}" for one in ranked]
    return (
        said["listed"] == ", ".join(listed)
        and said["best"] == ranked[0]["algorithm"]
        and ranked[0]["cycles"] == min(one["cycles"] for one in ranked)
    )


@reads(
    "routes_hidden",
    "Routes are not listed for so many PEs; add --routes to see them.",
    ("collective",),
)
def _routes(said: Match, heard: Heard) -> bool:
    return said is not None and "routers" not in heard.document


@reads("steps_words", "<source:NAME>: <steps:NUMBER> step[s]", ("schedule",))
def _steps(said: Match, heard: Heard) -> bool:
    groups: list[dict[str, Any]] = heard.document["groups"]  # type: ignore[assignment]
    return (
        said.end() == len(said.string)
        and said["source"] == heard.words[1]
        and all(len(group["learning_rate"]) == whole(said["steps"]) for group in groups)
    )


@reads("schedule_left_out", "<source:NAME>: not used by the schedule: <names:REST>", ("schedule",))
def _unused_by_schedule(said: Match, heard: Heard) -> bool:
    ignored: list[str] = heard.document["ignored"]  # type: ignore[assignment]
    names = said["names"]
    return (
        said["source"] == heard.words[1] and names.startswith(", ".join(ignored)) and bool(ignored)
    )


@reads(
    "overview_units",
    "SRAM in bytes per PE, ports in bytes read + written per cycle, hop and wavelet in cycles; "
    "assumed: fields without a source. wse wafers NAME shows every figure.",
    ("wafers",),
)
def _units(said: Match, heard: Heard) -> bool:
    wafers: list[dict[str, Any]] = heard.document["wafers"]  # type: ignore[assignment]
    shown = {row[0]: row for row in cells(heard.tables[0])}
    return said is not None and all(
        shown[w["name"]][4] == f"{w['sram_bytes_per_pe']:,}"
        and shown[w["name"]][6] == str(w["hop_cycles"])
        for w in wafers
    )


@reads("lanes_source", "<source:REST>", ("wafers",))
def _lanes(said: Match, heard: Heard) -> bool:
    sources: dict[str, str] = heard.document.get("sources", {})  # type: ignore[assignment]
    return said["source"] == sources.get("lanes")


@reads("folder_written", "Wrote <folder:NAME>: <names:REST>", ("run", "fit"))
def _folder(said: Match, heard: Heard) -> bool:
    folder = Path(str(heard.value("--out")))
    names = said["names"].split(", ")
    return said["folder"] == str(folder) and set(names) == {p.name for p in folder.iterdir()}


@reads("file_written", "Wrote <file:REST>", ("compare", "plot"))
def _file(said: Match, heard: Heard) -> bool:
    named = said["file"]
    return said.start() == 0 and Path(named).is_file() and str(heard.value("--out")) in named


# what a result was told while it was made


@reads("run_note", "<note:REST>", ("run",))
@reads("check_note", "<note:REST>", ("check",))
def _note(said: Match, heard: Heard) -> bool:
    notes: list[str] = heard.document.get("notes", [])  # type: ignore[assignment]
    return said["note"] in notes

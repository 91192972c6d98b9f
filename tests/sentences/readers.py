"""What ``run``, ``fit`` and ``preflight`` say, held to their JSON."""

from __future__ import annotations

import json
import math
import re
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from tests.sentences.heard import Heard
from tests.sentences.numbers import share_agrees, time_agrees, whole
from tests.sentences.reader import reads
from wse_emulator.results.words import short
from wse_emulator.wafer import WaferSpec, parse_wafer

Match = re.Match[str]


def memory(heard: Heard) -> dict[str, Any]:
    """Peak, capacity, bound and place of the fullest PE, from the JSON of any command."""
    document: dict[str, Any] = heard.document
    if heard.words[0] == "preflight":
        document = document["fit"]
        return {**document, "place": None}
    if heard.words[0] == "fit":
        worst = document["worst"][0]
        return {
            **document["pe"],
            "gap_bytes": document["gap_bytes"],
            "place": (worst["row"], worst["col"]),
        }
    held = document["memory"]
    return {**held, "gap_bytes": document["gap_bytes"], "place": tuple(held["worst_pe"])}


def fits(heard: Heard) -> bool:
    """Whether the JSON says that it fits; the exit code has to say the same."""
    fitting = heard.document["fits"]
    assert isinstance(fitting, bool)
    assert heard.code in ((0, 2, 4) if fitting else (3, 4))
    held = memory(heard)
    assert fitting == (held["peak_bytes"] <= held["capacity_bytes"]) == (held["gap_bytes"] == 0)
    return fitting


def request(heard: Heard) -> dict[str, Any]:
    """The question as the JSON holds it."""
    asked = heard.document["request"]
    assert isinstance(asked, dict)
    return asked


def machine(heard: Heard) -> WaferSpec:
    """The machine that was typed."""
    given = zip(heard.words, heard.words[1:], strict=False)
    settings = tuple(value for flag, value in given if flag == "--set")
    return parse_wafer(heard.value("--wafer") or "wse2", settings)


def _elements(heard: Heard) -> tuple[int, int] | None:
    """Elements and tensors of a shapes file, counted here."""
    path = Path(heard.words[1])
    if path.suffix != ".json" or not path.is_file():
        return None
    tensors = json.loads(path.read_text())
    return sum(math.prod(size) for _, size, _ in tensors), len(tensors)


@reads(
    "about",
    "<model:NAME>: <elements:NUMBER> parameter[s] in <tensors:NUMBER> tensor[s], "
    "<optimizer:NAME>, "
    "on <wafer:NAME> (<rows:NUMBER> rows x <cols:NUMBER> columns)",
)
def _about(said: Match, heard: Heard) -> bool:
    facts: dict[str, int] = heard.document["model"]  # type: ignore[assignment]
    counts = whole(said["elements"]), whole(said["tensors"])
    rows, cols = map(int, said["wafer"].partition(":")[2].split("x"))
    return (
        counts == (_elements(heard) or counts) == (facts["parameters"], facts["tensors"])
        and said["wafer"] == heard.value("--wafer")
        and (rows, cols) == (whole(said["rows"]), whole(said["cols"]))
    )


@reads("verdict", "Fits: ")
def _verdict(said: Match, heard: Heard) -> bool:
    return said is not None and fits(heard)


@reads("verdict", "Does not fit: ")
def _no_fit(said: Match, heard: Heard) -> bool:
    return said is not None and not fits(heard)


@reads(
    "fit_verdict",
    "<model:NAME> with <optimizer:NAME>[ at batch <batch:NUMBER>] fits <mode:NAME> on "
    "<wafer:NAME>: ",
)
def _fit_verdict(said: Match, heard: Heard) -> bool:
    return fits(heard) and _asked_for(said, heard)


@reads(
    "fit_verdict",
    "<model:NAME> with <optimizer:NAME>[ at batch <batch:NUMBER>] does not fit <mode:NAME> on "
    "<wafer:NAME>: ",
)
def _no_fit_verdict(said: Match, heard: Heard) -> bool:
    return not fits(heard) and _asked_for(said, heard)


def _asked_for(said: Match, heard: Heard) -> bool:
    document: dict[str, Any] = heard.document
    mode = document["mode"] if heard.words[0] == "fit" else document["fit"]["mode"]
    batch = request(heard)["batch_size"]
    named = heard.value("--optimizer")
    return (
        said["mode"] == mode
        and said["wafer"] == heard.value("--wafer")
        and (whole(said["batch"]) if said["batch"] else None) == batch
        and said["optimizer"].startswith(named or "")
        and heard.value("--mode") in (None, "auto", mode)
    )


@reads("fit_verdict", "It would fit with <what:NAME>.")
def _lever_that_fits(said: Match, heard: Heard) -> bool:
    levers: list[dict[str, Any]] = (
        heard.document["levers"]
        if heard.words[0] == "fit"
        else [{"what": said["what"], "fits": True}]
    )  # type: ignore[assignment]
    return not fits(heard) and any(v["fits"] and v["what"] == said["what"] for v in levers)


@reads(
    "fullest_pe",
    "the fullest PE, row <row:NUMBER> column <col:NUMBER>, holds <peak:NUMBER> of <has:BYTES> "
    "(<share:SHARE>).",
)
def _fullest(said: Match, heard: Heard) -> bool:
    held = memory(heard)
    peak, has = whole(said["peak"]), whole(said["has"])
    return (
        fits(heard)
        and (peak, has) == (held["peak_bytes"], held["capacity_bytes"])
        and peak <= has
        and share_agrees(said["share"], peak / has)
        and held["place"] in (None, (whole(said["row"]), whole(said["col"])))
    )


@reads(
    "fullest_pe",
    "the fullest PE, row <row:NUMBER> column <col:NUMBER>, would need <peak:BYTES>, <over:BYTES> "
    "(<share:SHARE>) more than its <has:BYTES>.",
)
def _fullest_over(said: Match, heard: Heard) -> bool:
    held = memory(heard)
    peak, has, over = whole(said["peak"]), whole(said["has"]), whole(said["over"])
    return (
        not fits(heard)
        and (peak, has, over) == (held["peak_bytes"], held["capacity_bytes"], held["gap_bytes"])
        and over == peak - has > 0
        and share_agrees(said["share"], over / has)
        and held["place"] in (None, (whole(said["row"]), whole(said["col"])))
    )


FORMS: Final = (
    "[ with the library's functions; <vector:TIME> if <calls:NAME> [was][were] written as "
    "<written:NAME>][ with <sequences:NAME> as vector sequences; <library:TIME> with the library's "
    "functions]"
)
"""The clause behind a time that says how a step has its functions."""

FUNCTION_OPS: Final = frozenset(
    {"sqrt", "rsqrt", "div", "addcdiv", "reciprocal", "pow", "linalg_vector_norm", "norm", "exp"}
)
"""Ops of optimizers that compute functions."""


def forms_agree(said: Match, heard: Heard, forms: dict[str, Any] | None, cycles: int) -> bool:
    """Whether the clause holds what the values say of the step in both forms."""
    clock = machine(heard).clock_hz
    if forms is None:
        return all(said[name] is None for name in ("vector", "library"))
    form, other = ("library", "vector") if said["library"] is None else ("vector", "library")
    named = said["calls" if form == "library" else "sequences"]
    several = " and " in named
    return (
        form == machine(heard).functions == forms["form"]
        and forms[f"{form}_cycles"] == cycles
        and time_agrees(said[other], forms[f"{other}_cycles"] / clock)
        and re.split(", | and ", named) == forms["functions"]
        and (
            form == "vector"
            or said["written"] == ("vector sequences" if several else "a vector sequence")
        )
    )


@reads("step_time", f"One step takes <cycles:NUMBER> cycle[s] = <time:TIME>{FORMS}.")
def _step_time(said: Match, heard: Heard) -> bool:
    cycles, seconds = _step(heard)
    clock = machine(heard).clock_hz
    document: dict[str, Any] = heard.document
    forms = document["forms"]
    return (
        whole(said["cycles"]) == cycles
        and time_agrees(said["time"], seconds)
        and math.isclose(seconds, cycles / clock)
        and forms_agree(said, heard, forms, cycles)
        and (not forms or any(op["name"] in FUNCTION_OPS for op in document["ops"]))
    )


def _step(heard: Heard) -> tuple[int, float]:
    document: dict[str, Any] = heard.document
    step = document["steps"][-1] if heard.words[0] == "run" else document["step_time"]
    return step["cycles"], step["seconds"]


def _interval(said: Match, heard: Heard) -> bool:
    document: dict[str, Any] = heard.document
    if heard.words[0] == "run":
        interval = document["seconds_interval"]
    else:
        interval = document["step_time"]["interval"]
    seconds = _step(heard)[1]
    return (
        interval[0] <= seconds <= interval[1]
        and interval[0] < interval[1]
        and time_agrees(said["low"], interval[0])
        and time_agrees(said["high"], interval[1])
    )


@reads(
    "time_interval",
    "Its costs are known within ranges, so it may take between <low:TIME> and <high:TIME>.",
)
def _ranges(said: Match, heard: Heard) -> bool:
    return _interval(said, heard)


@reads(
    "bottleneck",
    "The slowest PE spends <share:SHARE> of its time on <phase:NAME>; the costliest op is "
    "<op:NAME>, with <of_all:SHARE> of the busy cycles of all PEs.",
)
def _bottleneck(said: Match, heard: Heard) -> bool:
    document: dict[str, Any] = heard.document
    spent: dict[str, int] = {}
    for part in document["critical_path"]:
        length = part["end_cycle"] - part["start_cycle"]
        spent[part["phase"]] = spent.get(part["phase"], 0) + length
    most = max(spent.values())
    op = max(document["ops"], key=lambda one: one["pe_cycles"])
    whole_work = sum(one["pe_cycles"] for one in document["ops"])
    return (
        most == max(spent.values())
        and share_agrees(said["share"], most / sum(spent.values()))
        and said["op"] == op["name"]
        and share_agrees(said["of_all"], op["pe_cycles"] / whole_work)
    )


@reads(
    "busy",
    "Over the step PEs are busy <pes:SHARE> of the time and links <links:SHARE>; the fullest PE "
    "uses <sram:SHARE> of its SRAM.",
)
def _busy(said: Match, heard: Heard) -> bool:
    use: dict[str, float] = heard.document["utilization"]  # type: ignore[assignment]
    busy = sum(op["pe_cycles"] for op in heard.document["ops"])  # type: ignore[attr-defined]
    mean = busy / (machine(heard).pes * _step(heard)[0])
    return (
        bool(heard.document["steps"])
        and share_agrees(said["pes"], use["pe_busy"])
        and use["pe_busy"] <= mean * 1.000001 + 1e-9
        and share_agrees(said["links"], use["link_busy"])
        and share_agrees(said["sram"], use["sram_peak"])
    )


@reads("advice", "What would help: <levers:NAME>).")
def _advice(said: Match, heard: Heard) -> bool:
    levers: list[dict[str, Any]] = heard.document["levers"]  # type: ignore[assignment]
    known = {short(lever["what"], 160): lever for lever in levers}
    found = re.findall(
        r"(?:^|; )(.+?) \(saves ([\d,]+ B) in the fullest PE(, and then it fits)?(?=\))",
        said["levers"] + ")",
    )
    saved = [whole(saves) for _, saves, _ in found]
    return (
        not fits(heard)
        and len(found) == min(3, len(known))
        and saved == sorted(saved, reverse=True)
        and saved[0] == max(lever["saves_bytes"] for lever in known.values())
        and all(
            known[what]["saves_bytes"] == whole(saves) and known[what]["fits"] == bool(then)
            for what, saves, then in found
        )
    )


@reads(
    "samples_counted",
    "No batch size is given: the optimizer step alone is <judged:NAME>; activations are not "
    "counted.",
)
def _no_batch(said: Match, heard: Heard) -> bool:
    held = _categories(heard)
    return (
        "--batch-size" not in heard.words
        and request(heard)["batch_size"] is None
        and _judged(said, heard)
        and (held is None or held["activations"] == 0)
    )


def _judged(said: Match, heard: Heard) -> bool:
    timed = heard.words[0] == "run" and bool(heard.document["steps"])
    return said["judged"] == ("judged and timed" if timed else "judged")


def _categories(heard: Heard) -> dict[str, int] | None:
    document: dict[str, Any] = heard.document
    if heard.words[0] == "fit":
        return document["bytes"]  # type: ignore[no-any-return]
    return document["memory"]["bytes"] if heard.words[0] == "run" else None


@reads("samples_counted", "Without it there is no use for <given:NAME>.")
def _without_use(said: Match, heard: Heard) -> bool:
    flags = {
        "the sequence length": "--seq-len",
        "the target length": "--target-len",
        "the micro-batch": "--micro-batch",
        "the recomputation": "--recompute",
    }
    given = [words for words, flag in flags.items() if flag in heard.words]
    return said["given"].split(", ") == given


@reads(
    "samples_counted",
    "The batch of the config is that of its own model and is not used: the optimizer step "
    "alone is "
    "<judged:NAME>; activations are not counted.",
)
def _config_batch(said: Match, heard: Heard) -> bool:
    config = heard.value("--config")
    return (
        config is not None
        and "batch_size" in Path(config).read_text()
        and request(heard)["batch_size"] is None
        and _judged(said, heard)
    )


@reads(
    "samples_counted",
    "The activations of a batch of <batch:NUMBER> sample[s] count among the bytes"
    "[; the optimizer step alone is <timed:NAME>].",
)
def _batch(said: Match, heard: Heard) -> bool:
    given = heard.value("--batch-size")
    held = _categories(heard)
    timed = heard.words[0] == "run" and bool(heard.document["steps"])
    return (
        whole(said["batch"]) == request(heard)["batch_size"]
        and given in (None, said["batch"].replace(",", ""))
        and (held is None or held["activations"] > 0)
        and (said["timed"] == "timed") == timed
    )


@reads(
    "config_left_out",
    "Not used of the run config: <named:REST>; and <more:NUMBER> more (all in the JSON).",
)
def _left_out_in_part(said: Match, heard: Heard) -> bool:
    unused: list[str] = heard.document["config_unused"]  # type: ignore[assignment]
    return said["named"] == "; ".join(unused[: -whole(said["more"])])


@reads("config_left_out", "Not used of the run config: <named:REST>.")
def _left_out(said: Match, heard: Heard) -> bool:
    unused: list[str] = heard.document["config_unused"]  # type: ignore[assignment]
    return said["named"] == "; ".join(unused)


@reads(
    "evidence_words",
    "Of the busy cycles <evidence:SHARE> rest on evidence, <counted:SHARE> on operations counted "
    "in the vendor's source, and <ours:SHARE> on sequences of ours that nobody timed.",
)
def _evidence(said: Match, heard: Heard) -> bool:
    ops: list[dict[str, int]] = heard.document["ops"]  # type: ignore[assignment]
    busy, counted, ours = (
        sum(op[key] for op in ops)
        for key in ("pe_cycles", "counted_pe_cycles", "unsourced_pe_cycles")
    )
    return (
        share_agrees(said["evidence"], (busy - counted - ours) / busy)
        and share_agrees(said["counted"], counted / busy)
        and share_agrees(said["ours"], ours / busy)
    )


@reads("last_pe_done", "The last PE is done after <cycles:NUMBER> cycle[s].")
def _last_done(said: Match, heard: Heard) -> bool:
    return whole(said["cycles"]) == _step(heard)[0]


@reads(
    "room",
    "The fullest PE has a <what:NAME> of <left:BYTES>; a perfectly even placement would need "
    "<bound:BYTES>, <less:SHARE> less.",
)
def _room(said: Match, heard: Heard) -> bool:
    document: dict[str, Any] = heard.document
    share = 1 - document["bound_bytes"] / document["pe"]["peak_bytes"]
    return (
        _headroom(said, heard)
        and abs(whole(said["bound"]) - document["bytes"]["total"] / document["wafer"]["pes"]) <= 1
        and share_agrees(said["less"], share)
        and 0 < share < 1
    )


@reads(
    "room",
    "The fullest PE has a <what:NAME> of <left:BYTES>; a perfectly even placement would need as "
    "many bytes.",
)
def _room_even(said: Match, heard: Heard) -> bool:
    document: dict[str, Any] = heard.document
    return _headroom(said, heard) and document["bound_bytes"] == document["pe"]["peak_bytes"]


def _headroom(said: Match, heard: Heard) -> bool:
    held = memory(heard)
    left = held["capacity_bytes"] - held["peak_bytes"]
    what = "headroom" if fits(heard) else "gap"
    return said["what"] == what and whole(said["left"]) == abs(left)


@reads("chosen_mode", "Mode: <mode:NAME>, since all layers fit on the wafer at once.")
def _pipelined(said: Match, heard: Heard) -> bool:
    return said["mode"] == "pipelined" and fits(heard) and _automatic(heard)


@reads(
    "chosen_mode",
    "Mode: <mode:NAME>, since pipelined needs <need:BYTES> on the fullest PE, <over:BYTES> "
    "more than "
    "there are.",
)
def _streamed(said: Match, heard: Heard) -> bool:
    over = whole(said["need"]) - memory(heard)["capacity_bytes"]
    return said["mode"] == "weight-streaming" and _automatic(heard) and over == whole(said["over"])


def _automatic(heard: Heard) -> bool:
    default = "auto" if heard.words[0] == "preflight" else "pipelined"
    return (heard.value("--mode") or default) == "auto"


@reads(
    "missing_activations",
    "The activations of <parts:REST> are missing: no input could be made that runs them.",
)
def _missing(said: Match, heard: Heard) -> bool:
    return said is not None and heard.value("--batch-size") is not None


@reads("default_length", "No sequence length is given: <tokens:NUMBER> token[s], as the model has.")
def _length(said: Match, heard: Heard) -> bool:
    document: dict[str, Any] = heard.document
    text = Path(heard.words[1]).read_text()
    positions = re.search(r"max_position_embeddings: (\d+)", text)
    return (
        "--seq-len" not in heard.words
        and "max_sequence_length" not in text
        and positions is not None
        and whole(said["tokens"]) == int(positions[1]) == document["batch"]["sequence_length"]
    )


@reads(
    "default_batch",
    "No batch size is given: the one that is judged is <batch:NUMBER>, the largest that fits.",
)
def _solved_batch(said: Match, heard: Heard) -> bool:
    document: dict[str, Any] = heard.document
    batch = whole(said["batch"])
    return (
        "--batch-size" not in heard.words
        and fits(heard)
        and batch == document["solution"]["fits_at"] == document["batch"]["batch_size"]
    )


@reads("no_batch_fits", "No batch size is given: a batch of 1 is judged, the smallest there is.")
def _smallest_batch(said: Match, heard: Heard) -> bool:
    document: dict[str, Any] = heard.document
    return (
        said is not None
        and "--batch-size" not in heard.words
        and not fits(heard)
        and document["batch"]["batch_size"] == 1
        and document["solution"]["fits_at"] == 0
    )


@reads(
    "solution_words",
    "Solved: the largest <what:NAME> that fits is <size:NAME>; at <next:NUMBER> the "
    "fullest PE is <over:BYTES> over.",
)
def _solution(said: Match, heard: Heard) -> bool:
    solution: dict[str, Any] = heard.document["solution"]  # type: ignore[assignment]
    size = int(re.sub(r"\D", "", said["size"]))
    return (
        said["what"] == heard.value("--solve")
        and size == solution["fits_at"] < whole(said["next"]) == solution["next_value"]
        and whole(said["over"]) == solution["next_gap_bytes"] > 0
    )


@reads("solution_words", "Solved: the largest <what:NAME> is <size:NAME>: <limit:NAME>.")
def _limited(said: Match, heard: Heard) -> bool:
    solution: dict[str, Any] = heard.document["solution"]  # type: ignore[assignment]
    size = int(re.sub(r"\D", "", said["size"]))
    return size == solution["fits_at"] and said["limit"] == solution["limit"] != ""


@reads(
    "solution_words",
    "Solved: <what:NAME> is no limit: <size:NAME> fit[s], and more need no more memory.",
)
def _unlimited(said: Match, heard: Heard) -> bool:
    solution: dict[str, Any] = heard.document["solution"]  # type: ignore[assignment]
    return not solution["bounded"] and said["what"] == heard.value("--solve")


@reads(
    "solution_words",
    "Solved: no <what:NAME> fits: at <size:NAME> the fullest PE is <over:BYTES> over.",
)
def _none_fits(said: Match, heard: Heard) -> bool:
    solution: dict[str, Any] = heard.document["solution"]  # type: ignore[assignment]
    return (
        not fits(heard)
        and solution["fits_at"] == 0
        and whole(said["over"]) == solution["next_gap_bytes"] > 0
    )


@reads("sparse_storage", "No parameter of the model takes part in sparsity.")
def _nothing_sparse(said: Match, heard: Heard) -> bool:
    return said is not None and "--sparsity" in heard.words


@reads(
    "sparse_storage",
    "Sparse storage takes <kept:NUMBER> B per kept element against <dense:NUMBER> B per "
    "dense one, "
    "so it pays above a sparsity of <share:SHARE>.",
)
def _sparse(said: Match, heard: Heard) -> bool:
    kept, dense = whole(said["kept"]), whole(said["dense"])
    return "--sparsity" in heard.words and share_agrees(said["share"], (kept - dense) / kept)


@reads(
    "pes_near_the_limit",
    "<used:NUMBER> PE[s] used; <near:NUMBER> over 95 % full, <over:NUMBER> over capacity.",
)
def _pes(said: Match, heard: Heard) -> bool:
    pe: dict[str, Any] = heard.document["pe"]  # type: ignore[assignment]
    used, near, over = (whole(said[name]) for name in ("used", "near", "over"))
    points = list(pe["percentiles"].values())
    return (
        (used, near, over) == (pe["used"], pe["near_limit"], pe["over_limit"])
        and over <= near <= machine(heard).pes
        and (over > 0) == (not fits(heard))
        and all(a <= b for a, b in pairwise(points))
        and points[-1] == pe["peak_bytes"]
    )


@reads("link_time", "The link takes <time:TIME> per step, at <rate:NUMBER> GB/s each way.")
def _link(said: Match, heard: Heard) -> bool:
    server: dict[str, Any] = heard.document["weight_server"]  # type: ignore[assignment]
    rate = machine(heard).host_bytes_per_second
    return (
        time_agrees(said["time"], max(server["bytes_in"], server["bytes_out"]) / rate)
        and float(said["rate"]) * 1e9 == rate
    )


@reads("layers_left_out", "<count:NUMBER> smaller layer[s] left out; all are in the JSON.")
def _layers(said: Match, heard: Heard) -> bool:
    shown = next(table for table in heard.tables if table.title == "Largest layers")
    layers: list[object] = heard.document["layers"]  # type: ignore[assignment]
    return len(layers) == shown.row_count + whole(said["count"])


# the page of a report


@reads("step_time", "No step was simulated.")
def _no_step(said: Match, heard: Heard) -> bool:
    return said is not None and not heard.document.get("steps")


@reads("repeatable", "The same command gives the same <what:NAME>, on any computer.")
def _again(said: Match, heard: Heard) -> bool:
    return said["what"] == ("cycles" if heard.document.get("steps") else "bytes")


@reads("lever_words", "<what:NAME> (saves <saves:BYTES> in the fullest PE[<then:NAME> fits])")
def _lever(said: Match, heard: Heard) -> bool:
    levers: list[dict[str, Any]] = heard.document["levers"]  # type: ignore[assignment]
    named = {
        text: lever
        for lever in levers
        for text in (lever["what"], f"{lever['what']} ({' '.join(lever['arguments'])})")
    }
    lever = named[said["what"]]
    return (
        whole(said["saves"]) == lever["saves_bytes"] and (said["then"] is not None) == lever["fits"]
    )

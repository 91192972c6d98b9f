"""A third machine, for tests only: every link and PE, one cycle after the other.

It shares no code with either engine: no event queue, no scans, no offsets. In each cycle the
links decide among the heads before them, then heads that are down a ramp are seen by their PEs,
then every PE looks at what it may do, and everything busy is counted. Numbers in brackets are the
rules of docs/machine_rules.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil

import numpy as np

from wse_emulator.activities import (
    Activity,
    Chain,
    LineActivity,
    LineMulticast,
    Multicast,
    Send,
    Shift,
    Star,
    Work,
)
from wse_emulator.wafer.spec import WaferSpec

Pe = tuple[int, int]
MOVES = {"E": (0, 1), "W": (0, -1), "S": (1, 0), "N": (-1, 0)}
LinkKey = tuple[str, int, int]


@dataclass(eq=False)
class Flying:
    """One message: its tree as the links that leave each router, and where its heads are."""

    activity: int
    source: Pe
    length: int
    channel: str
    tree: dict[Pe, list[LinkKey]]
    latency: dict[Pe, int]  # of each sink
    corners: set[LinkKey]
    task: int = 0  # cycles from the head's arrival to the task it starts
    touched: int | None = None
    gone: int | None = None
    at_link: dict[LinkKey, int] = field(default_factory=dict)  # cycle the head is there
    arrived: dict[Pe, int] = field(default_factory=dict)
    taken: dict[Pe, int] = field(default_factory=dict)


@dataclass(eq=False)
class Task:
    """What one PE does in one activity."""

    activity: int
    kind: str
    ops: list[tuple[int, int, int, int]] = field(default_factory=list)
    inputs: list[Flying] = field(default_factory=list)
    output: Flying | None = None
    ahead: list[Pe] = field(default_factory=list)  # positions of a chain towards the root
    begun: dict[Pe, int] = field(default_factory=dict)  # first touches, shared along a chain
    length: int = 0


def walk(start: Pe, stop: Pe) -> Iterator[tuple[LinkKey, Pe]]:
    """Links in a straight line, each with the router behind it."""
    row, col = start
    while (row, col) != stop:
        along, across = ("E", "W") if row == stop[0] else ("S", "N")
        name = along if stop > (row, col) else across
        link = (name, row, col)
        row, col = row + MOVES[name][0], col + MOVES[name][1]
        yield link, (row, col)


class Stepper:
    """Run a program; the attributes are the answer, named as in ``Timing``."""

    def __init__(self, spec: WaferSpec, program: Sequence[Activity], op_count: int) -> None:
        self.spec = spec
        self.tasks: dict[Pe, list[Task]] = defaultdict(list)
        self.order: dict[tuple[LinkKey, str], list[Flying]] = defaultdict(list)
        self.flying: list[Flying] = []
        shape = (spec.rows, spec.cols)
        self.pe_busy = np.zeros(shape, np.int64)
        self.pe_final = np.zeros(shape, np.int64)
        self.sram_peak = np.zeros(shape, np.int64)
        self.link_busy = np.zeros((5, *shape), np.int64)
        self.activity_start = np.full(len(program), -1, np.int64)
        self.activity_end = np.full(len(program), -1, np.int64)
        self.op_start = np.full(op_count, -1, np.int64)
        self.op_end = np.full(op_count, -1, np.int64)
        self.busy_pes: list[int] = []
        self.busy_links: list[int] = []
        self.temporary_bytes: list[int] = []
        for index, activity in enumerate(program):
            self.plan(index, activity)
        self.now = 0
        self.free: dict[LinkKey, int] = defaultdict(int)
        self.channel_free: dict[tuple[LinkKey, str], int] = defaultdict(int)
        self.held: dict[Pe, int] = defaultdict(int)
        self.run()

    # --- the program -------------------------------------------------------------------------

    def plan(self, index: int, activity: Activity) -> None:
        if isinstance(activity, Work):
            self.plan_work(index, activity)
        elif isinstance(activity, Multicast):
            region = activity.region
            sinks = [
                (r, c)
                for r in range(region.row, region.row_stop)
                for c in range(region.col, region.col_stop)
            ]
            self.spread(index, activity.root, sinks, activity.wavelets, activity.channel, "column")
        elif isinstance(activity, Send):
            self.spread(
                index, activity.source, [activity.sink], activity.wavelets, activity.channel, "row"
            )
        else:
            for line, wavelets in self.lines(activity):
                if isinstance(activity, LineMulticast):
                    at = activity.root - (
                        activity.region.col if activity.axis == "row" else activity.region.row
                    )
                    self.spread(index, line[at], line, wavelets, activity.channel, "row")
                elif isinstance(activity, Chain):
                    self.plan_chain(index, activity, line, wavelets)
                elif isinstance(activity, Shift):
                    self.plan_shift(index, line, wavelets, activity.channel)
                else:
                    self.plan_star(index, activity, line, wavelets)

    def lines(self, activity: LineActivity) -> Iterator[tuple[list[Pe], int]]:
        region = activity.region
        rows, cols = range(region.row, region.row_stop), range(region.col, region.col_stop)
        if activity.axis == "row":
            lines = [[(r, c) for c in cols] for r in rows]
        else:
            lines = [[(r, c) for r in rows] for c in cols]
        for number, line in enumerate(lines):
            given = activity.wavelets
            yield line, given[number] if isinstance(given, tuple) else given

    def plan_work(self, index: int, work: Work) -> None:
        region = work.region
        chain_of = [chain for pes, chain in work.runs for _ in range(pes)]
        for place, number in enumerate(chain_of):
            if number < 0:
                continue
            chain = work.chains[number]
            ops = []
            for strip in range(chain.strips + int(chain.tail)):
                last_and_short = strip == chain.strips
                for op in chain.ops:
                    if op.once and strip > 0:
                        continue
                    cycles = op.tail_cycles if last_and_short and not op.once else op.strip_cycles
                    ops.append((op.op, cycles, op.allocates_bytes, op.releases_bytes))
            if sum(op[1] for op in ops):
                pe = (region.row + place // region.cols, region.col + place % region.cols)
                self.tasks[pe].append(Task(index, "work", ops=ops))

    def message(
        self, index: int, source: Pe, sinks: list[Pe], wavelets: int, channel: str, first: str
    ) -> Flying:
        """``first``: whether routes start along the source's row or its column."""
        spec = self.spec
        exact = wavelets * spec.cycles_per_wavelet
        message = Flying(index, source, ceil(exact), channel, defaultdict(list), {}, set())
        for sink in sinks:
            elbow = (source[0], sink[1]) if first == "row" else (sink[0], source[1])
            links = 0
            for begin, end in ((source, elbow), (elbow, sink)):
                router = begin
                for link, behind in walk(begin, end):
                    if link not in message.tree[router]:
                        message.tree[router].append(link)
                        if begin == elbow and router == elbow and elbow != source:
                            message.corners.add(link)
                    router = behind
                    links += 1
            turned = elbow not in (source, sink)
            message.tree[sink].append(("D", *sink))
            message.latency[sink] = (
                spec.touch_cycles
                + spec.ramp_cycles * 2
                + spec.hop_cycles * links
                + spec.turn_cycles * turned
            )
        for links_here in message.tree.values():
            for link in links_here:
                self.order[link, channel].append(message)
        self.flying.append(message)
        return message

    def spread(
        self, index: int, source: Pe, sinks: list[Pe], wavelets: int, channel: str, first: str
    ) -> None:
        sinks = [sink for sink in sinks if sink != source]
        if wavelets == 0 or not sinks:
            return
        message = self.message(index, source, sinks, wavelets, channel, first)
        self.tasks[source].append(Task(index, "source", output=message))
        for sink in sinks:
            self.tasks[sink].append(Task(index, "sink", inputs=[message]))

    def plan_chain(self, index: int, chain: Chain, line: list[Pe], wavelets: int) -> None:
        at = chain.root - (chain.region.col if chain.axis == "row" else chain.region.row)
        places = [line[at + k * chain.spacing] for k in range(chain.positions)]
        size = chain.group or chain.positions
        while places:
            group, places = places[:size], places[size:]
            if wavelets == 0 or len(group) < 2:
                continue
            begun: dict[Pe, int] = {}
            relayed = [
                self.message(index, behind, [before], wavelets, chain.channel, "row")
                for before, behind in pairwise(group)
            ]
            if chain.software:
                for message in relayed:
                    message.task = self.spec.activation_cycles + self.spec.completion_cycles
            for k, pe in enumerate(group):
                self.tasks[pe].append(
                    Task(
                        index,
                        "chain",
                        inputs=relayed[k : k + 1],
                        output=relayed[k - 1] if k else None,
                        ahead=group[:k][::-1],
                        begun=begun,
                        length=relayed[0].length,
                    )
                )

    def plan_star(self, index: int, star: Star, line: list[Pe], wavelets: int) -> None:
        at = star.root - (star.region.col if star.axis == "row" else star.region.row)
        leaves = [line[at + k * star.direction] for k in range(1, star.positions)]
        if wavelets == 0 or not leaves:
            return
        messages = []
        for leaf in leaves:
            messages.append(self.message(index, leaf, [line[at]], wavelets, star.channel, "row"))
            self.tasks[leaf].append(Task(index, "source", output=messages[-1]))
        self.tasks[line[at]].append(Task(index, "gather", inputs=messages))

    def plan_shift(self, index: int, line: list[Pe], wavelets: int, channel: str) -> None:
        """Two places on: outward for even positions, back for odd ones, at the ends by one."""
        if wavelets == 0 or len(line) < 2:
            return
        last = len(line) - 1
        sent: dict[Pe, Flying] = {}
        taken: dict[Pe, Flying] = {}
        for k, pe in enumerate(line):
            to = k + 2 if k % 2 == 0 else k - 2
            if to < 0:
                to = 0
            elif to > last:
                to = last - 1 if k == last else last
            sent[pe] = self.message(index, pe, [line[to]], wavelets, channel, "row")
            taken[line[to]] = sent[pe]
        for pe in line:
            self.tasks[pe].append(Task(index, "shift", inputs=[taken[pe]], output=sent[pe]))

    # --- the run -----------------------------------------------------------------------------

    def run(self) -> None:
        going = {pe: self.live(pe, tasks) for pe, tasks in self.tasks.items()}
        busy: dict[Pe, bool] = {}
        while True:
            self.decide()
            for pe, life in list(going.items()):
                try:
                    busy[pe] = next(life)
                except StopIteration:
                    del going[pe]
                    busy[pe] = False
                    self.pe_final[pe] = self.now
            if not going:
                return
            for pe, is_busy in busy.items():
                self.pe_busy[pe] += is_busy
            booked = 0
            for (name, row, col), end in self.free.items():
                if end > self.now:
                    self.link_busy["EWSND".index(name), row, col] += 1
                    booked += name != "D"
            self.busy_pes.append(sum(busy.values()))
            self.busy_links.append(booked)
            self.temporary_bytes.append(sum(self.held.values()))
            self.now += 1
            assert self.now < 1_000_000, "the program never ends"

    def decide(self) -> None:
        """Each free link takes the head that asked first [3.2, 3.4]."""
        asking: dict[LinkKey, list[tuple[int, int, Pe, Flying]]] = defaultdict(list)
        for message in self.flying:
            for link, here in message.at_link.items():
                first_in_channel = self.order[link, message.channel][0] is message
                asked = max(here, self.channel_free[link, message.channel])
                if first_in_channel and asked <= self.now:
                    asking[link].append((asked, message.activity, message.source, message))
        for link, heads in asking.items():
            if self.free[link] > self.now:
                continue
            message = min(heads, key=lambda head: head[:3])[3]
            asking_since = message.at_link.pop(link)
            self.order[link, message.channel].pop(0)
            self.free[link] = self.now + message.length
            self.channel_free[link, message.channel] = self.now + message.length
            name, row, col = link
            if name == "D":
                started = max(self.now, asking_since + message.task)
                message.arrived[row, col] = started + self.spec.ramp_cycles
            else:
                behind = (row + MOVES[name][0], col + MOVES[name][1])
                self.head_at(message, behind, self.now + self.spec.hop_cycles)

    def head_at(self, message: Flying, router: Pe, when: int) -> None:
        for link in message.tree[router]:
            turn = self.spec.turn_cycles if link in message.corners else 0
            message.at_link[link] = when + turn

    def live(self, pe: Pe, tasks: list[Task]) -> Iterator[bool]:
        """A PE's life: yields once a cycle whether it is busy in it."""
        for task in tasks:
            start = self.now
            if task.kind == "work":
                yield from self.work(pe, task)
            elif task.kind == "gather":
                yield from self.gather(pe, task)
            elif task.kind == "shift":
                yield from self.shift(pe, task)
            else:
                yield from self.touch(pe, task)
            i = task.activity
            begun = self.activity_start[i]
            self.activity_start[i] = start if begun < 0 else min(begun, start)
            self.activity_end[i] = max(self.activity_end[i], self.now)

    def work(self, pe: Pe, task: Task) -> Iterator[bool]:
        for op, cycles, takes, gives in task.ops:
            begun = self.op_start[op]
            self.op_start[op] = self.now if begun < 0 else min(begun, self.now)
            self.held[pe] += takes
            self.sram_peak[pe] = max(self.sram_peak[pe], self.held[pe])
            for _ in range(cycles):
                yield True
            self.held[pe] -= gives
            self.op_end[op] = max(self.op_end[op], self.now)

    def touch(self, pe: Pe, task: Task) -> Iterator[bool]:
        """A source, a sink of a multicast, or a position of a chain."""
        for message in task.inputs:
            while message.arrived.get(pe, self.now + 1) > self.now:
                yield False
            message.taken[pe] = self.now
        task.begun[pe] = self.now
        if task.output:
            task.output.touched = self.now
            climbed = self.now + self.spec.touch_cycles + self.spec.ramp_cycles
            self.head_at(task.output, task.output.source, climbed)
        message = task.output or task.inputs[0]
        for _ in range(message.length):
            yield True
        while not self.may_go(pe, task):
            yield False
        if task.kind == "source":
            assert task.output is not None
            task.output.gone = self.now

    def gather(self, pe: Pe, task: Task) -> Iterator[bool]:
        for message in task.inputs:
            while message.arrived.get(pe, self.now + 1) > self.now:
                yield False
            message.taken[pe] = self.now
            for _ in range(message.length):
                yield True

    def shift(self, pe: Pe, task: Task) -> Iterator[bool]:
        """Send at once, take beside it what comes, and stay until both are through."""
        assert task.output is not None
        task.output.touched = self.now
        climbed = self.now + self.spec.touch_cycles + self.spec.ramp_cycles
        self.head_at(task.output, pe, climbed)
        yield from self.gather(pe, task)
        while not self.source_may_go(task):
            yield False

    def may_go(self, pe: Pe, task: Task) -> bool:
        """Whether back-pressure lets a PE go that has touched its last wavelet [3.6, 4.1]."""
        if task.kind == "chain":
            return self.position_may_go(task)
        if task.kind == "source":
            return self.source_may_go(task)
        (message,) = task.inputs
        depth = self.spec.queue_depth_wavelets
        if all(message.length <= latency + depth for latency in message.latency.values()):
            return True
        return message.gone is not None and self.now >= message.gone + message.latency[pe]

    def position_may_go(self, task: Task) -> bool:
        message = task.output or task.inputs[0]
        room = next(iter(message.latency.values())) + self.spec.queue_depth_wavelets
        for k, ahead in enumerate(task.ahead, start=1):
            if task.length > k * room:
                if ahead not in task.begun:
                    return False
                if self.now < task.begun[ahead] + task.length - k * room:
                    return False
        return True

    def source_may_go(self, task: Task) -> bool:
        message = task.output
        assert message is not None
        for sink, latency in message.latency.items():
            room = latency + self.spec.queue_depth_wavelets
            if message.length > room:
                if sink not in message.taken:
                    return False
                if self.now < message.taken[sink] + message.length - room:
                    return False
        return True

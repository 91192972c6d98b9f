"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const whole = new Intl.NumberFormat("en-US");

/* Sorting: a column of numbers starts with the largest. */
for (const table of document.querySelectorAll("table.sortable")) {
  table.querySelectorAll("thead th").forEach((heading, column) => {
    heading.querySelector("button").addEventListener("click", () => {
      const numeric = heading.classList.contains("number");
      const before = heading.getAttribute("aria-sort");
      const down = before ? before === "ascending" : numeric;
      table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const body = table.tBodies[0];
      const value = (row) => {
        const cell = row.cells[column];
        return numeric ? Number(cell.dataset.value) : cell.textContent;
      };
      const rows = [...body.rows].map((row) => [value(row), row]);
      rows.sort((a, b) => (numeric ? a[0] - b[0] : a[0].localeCompare(b[0], "en", { numeric: true })));
      if (down) rows.reverse();
      body.append(...rows.map((pair) => pair[1]));
    });
  });
}

/* The wafer map: whole numbers of every PE (or block), packed with zlib. */
async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Int32Array(await new Response(stream).arrayBuffer());
}

function colour(share) {
  /* cividis, from nine of its colours */
  const stops = data.colours, place = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const low = Math.min(Math.floor(place), stops.length - 2), part = place - low;
  return stops[low].map((v, i) => Math.round(v + (stops[low + 1][i] - v) * part));
}

async function startMap() {
  const canvas = document.getElementById("map-canvas"), readout = document.getElementById("map-readout");
  const select = document.getElementById("map-field"), note = document.getElementById("map-note");
  if (typeof DecompressionStream === "undefined") {
    readout.textContent = "This browser cannot unpack the map; wafer.png shows it.";
    return;
  }
  const fields = [];
  for (const field of data.maps) fields.push({ ...field, values: await unpack(field.packed) });
  fields.forEach((field, index) => select.add(new Option(field.name, index)));
  const { rows, cols } = data.wafer;
  const scale = Math.max(1, Math.floor(Math.min(720 / rows, 1080 / cols)));

  function draw() {
    const field = fields[select.value];
    const high = Math.ceil(rows / field.side), wide = Math.ceil(cols / field.side);
    const small = document.createElement("canvas");
    small.width = wide;
    small.height = high;
    const paint = small.getContext("2d"), image = paint.createImageData(wide, high);
    const cache = new Map();
    field.values.forEach((value, index) => {
      let rgb = cache.get(value);
      if (!rgb) cache.set(value, (rgb = value > field.top ? [213, 94, 0] : colour(value / field.top)));
      image.data.set([...rgb, 255], 4 * index);
    });
    paint.putImageData(image, 0, 0);
    canvas.width = cols * scale;
    canvas.height = rows * scale;
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, wide * field.side * scale, high * field.side * scale);
    context.strokeStyle = "rgba(255,255,255,.75)";
    for (const [, [row, col, height, width]] of data.layers)
      context.strokeRect(col * scale + 0.5, row * scale + 0.5, width * scale - 1, height * scale - 1);
    const blocks = field.side > 1 ? ` A cell is the ${field.how} of ${field.side} x ${field.side} PEs.` : "";
    note.textContent = `Scale: 0 (dark) to ${whole.format(field.top)} ${field.unit} (bright); red is beyond.${blocks}`;
  }

  function read(event) {
    const box = canvas.getBoundingClientRect();
    const col = Math.floor(((event.clientX - box.left) / box.width) * cols);
    const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
    if (row < 0 || col < 0 || row >= rows || col >= cols) return;
    const layers = data.layers
      .filter(([, [r, c, h, w]]) => row >= r && row < r + h && col >= c && col < c + w)
      .map(([name]) => name);
    const parts = fields.map((field) => {
      const value = field.values[Math.floor(row / field.side) * Math.ceil(cols / field.side) + Math.floor(col / field.side)];
      return `${field.name} ${whole.format(value)} ${field.unit}`;
    });
    readout.textContent = `Row ${row}, column ${col}: ${layers.join(", ") || "no layer"}; ${parts.join("; ")}`;
  }

  select.addEventListener("change", draw);
  canvas.addEventListener("pointermove", read);
  draw();
  document.body.dataset.map = "ready";
}

/* The timeline: layers as rows, tensors as bars. */
function startTimeline() {
  const canvas = document.getElementById("zoom-canvas"), readout = document.getElementById("zoom-readout");
  const spans = data.tensors.filter((tensor) => tensor[2] >= 0);
  if (!spans.length) {
    document.getElementById("zoom").hidden = true;
    return;
  }
  const names = [...new Set(spans.map((tensor) => tensor[1]))], line = 16, foot = 26;
  const rowOf = new Map(names.map((name, index) => [name, index]));
  const style = getComputedStyle(document.body);
  let from = 0, to = data.cycles, width = 0, label = 0;

  const x = (cycle) => label + ((cycle - from) / (to - from)) * (width - label);
  const cycleAt = (place) => from + ((place - label) / (width - label)) * (to - from);

  function draw() {
    const ratio = window.devicePixelRatio || 1, height = names.length * line + foot;
    width = canvas.clientWidth;
    label = Math.min(190, width * 0.3);
    canvas.style.height = `${height}px`;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.font = "12px sans-serif";
    pen.textBaseline = "middle";
    spans.forEach(([, layer, start, end]) => {
      const left = Math.max(x(start), label), right = Math.min(x(end), width);
      if (right < label || left > width) return;
      /* a gap of one pixel between bars that are wide enough to lose one */
      const wide = right - left > 3 ? right - left - 1 : Math.max(right - left, 0.5);
      pen.fillStyle = right - left > 3 ? "#0072b2" : "#56b4e9";
      pen.fillRect(left, rowOf.get(layer) * line + 2, wide, line - 4);
    });
    pen.fillStyle = style.color;
    names.forEach((name, row) => {
      let text = name;
      while (pen.measureText(text).width > label - 8 && text.length > 4) text = `…${text.slice(2)}`;
      pen.fillText(text, 2, row * line + line / 2);
    });
    const step = 10 ** Math.floor(Math.log10(Math.max(to - from, 1)));
    const every = (to - from) / step < 2.5 ? step / 2 : step;
    let free = label;
    for (let tick = Math.ceil(from / every) * every; tick <= to; tick += every) {
      const text = whole.format(tick), place = x(tick);
      pen.fillRect(place, names.length * line, 1, 5);
      if (place >= free && place + pen.measureText(text).width < width) {
        pen.fillText(text, place + 2, names.length * line + 15);
        free = place + pen.measureText(text).width + 14;
      }
    }
    canvas.dataset.from = from;
    canvas.dataset.to = to;
  }

  function zoom(factor, centre) {
    const span = Math.min(Math.max((to - from) * factor, 10), data.cycles);
    const part = (centre - from) / (to - from);
    from = Math.min(Math.max(centre - part * span, 0), data.cycles - span);
    to = from + span;
    draw();
  }

  function read(event) {
    const box = canvas.getBoundingClientRect();
    const cycle = cycleAt(event.clientX - box.left), row = Math.floor((event.clientY - box.top) / line);
    const found = spans.find((s) => rowOf.get(s[1]) === row && s[2] <= cycle && cycle < s[3]);
    if (found)
      readout.textContent = `${found[0]} (${found[1]}): cycle ${whole.format(found[2])} to ${whole.format(found[3])}, ${whole.format(found[3] - found[2])} cycles, ${(((found[3] - found[2]) / data.wafer.clock_hz) * 1e6).toPrecision(4)} µs`;
  }

  let grip = null;
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, cycleAt(event.clientX - canvas.getBoundingClientRect().left));
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    grip = [event.clientX, from, to];
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointerup", () => { grip = null; });
  canvas.addEventListener("pointermove", (event) => {
    if (!grip) return read(event);
    const moved = ((grip[0] - event.clientX) / (width - label)) * (grip[2] - grip[1]);
    from = Math.min(Math.max(grip[1] + moved, 0), data.cycles - (grip[2] - grip[1]));
    to = from + (grip[2] - grip[1]);
    draw();
  });
  const all = () => { from = 0; to = data.cycles; draw(); };
  canvas.addEventListener("dblclick", all);
  document.getElementById("zoom-all").addEventListener("click", all);
  document.getElementById("zoom-in").addEventListener("click", () => zoom(0.5, (from + to) / 2));
  document.getElementById("zoom-out").addEventListener("click", () => zoom(2, (from + to) / 2));
  window.addEventListener("resize", draw);
  draw();
}

startTimeline();
startMap();

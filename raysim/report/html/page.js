"use strict";
// Draws the page's charts from the data in it, with the library in it. Loads nothing.
(async () => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const touch = matchMedia("(pointer: coarse)").matches;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const SCHEMES = {
    light: {
      palette: ["#3b64c9", "#d9822b", "#2a9d74", "#c2499a", "#7a5ac8", "#17919e", "#b5563c", "#7d8590"],
      named: {
        p50: "#1f3f8f", p95: "#4d7fe0", p99: "#a9c3f2", success: "#3b64c9", error: "#c8372d", refused: "#d9942b",
        cancelled: "#9aa1aa", target: "#8a9099", limit: "#b8322a",
      },
      ink: "#1b1d21", soft: "#5c626b", line: "#ececee", axis: "#c9ccd0", paper: "#ffffff",
      shades: ["rgba(90,100,120,0.00)", "rgba(90,100,120,0.055)"], excluded: "rgba(120,125,135,0.15)",
    },
    dark: {
      palette: ["#7ea2f5", "#eba35c", "#5cc59d", "#e58cc6", "#ab92f0", "#5dc3cf", "#e38a70", "#a3a9b2"],
      named: {
        p50: "#b9cdfb", p95: "#6f97f0", p99: "#40568f", success: "#7ea2f5", error: "#f0766c", refused: "#dba23c",
        cancelled: "#767d87", target: "#a3a9b2", limit: "#f0766c",
      },
      ink: "#e7e8ea", soft: "#a3a9b2", line: "#23272d", axis: "#3a3f47", paper: "#1a1d22",
      shades: ["rgba(190,200,220,0.00)", "rgba(190,200,220,0.05)"], excluded: "rgba(190,195,205,0.11)",
    },
  };
  const FONT = 'ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, Arial, "Liberation Sans", sans-serif';

  // the library reads a few tags in text; names are no markup
  const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const largest = (values) => values.reduce((most, value) => (value > most ? value : most), 0);
  const CLOCK = data.duration_s > 3 * 3600 ? [3600, " h"] : data.duration_s > 240 ? [60, " min"] : [1, " s"];

  async function loadLibrary() {
    const packed = atob(document.getElementById("library").textContent);
    const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
    const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(inflated).text();
    document.head.append(script);
  }

  function axisOf(unit, values) {
    if (unit === "share") {
      const most = largest(values);
      return { factor: 1, tickformat: most < 0.03 ? ".2~%" : ".1~%", hover: ":.3~%", suffix: "" };
    }
    if (unit === "usd") return { factor: 1, tickprefix: "$", tickformat: "~g", hover: ":.4~g", suffix: "" };
    if (unit === "s") {
      const most = largest(values);
      if (most >= 2) return { factor: 1, ticksuffix: " s", tickformat: "~g", hover: ":.3~g", suffix: " s" };
      return { factor: 1000, ticksuffix: " ms", tickformat: "~g", hover: ":.3~g", suffix: " ms" };
    }
    return { factor: 1, tickformat: largest(values) >= 10000 ? "~s" : "~g", hover: ":,.3~g", suffix: "" };
  }

  function tone(scheme, said) {
    return typeof said === "number" ? scheme.palette[said % scheme.palette.length] : scheme.named[said];
  }

  function faded(colour, alpha) {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    return `rgba(${r},${g},${b},${alpha})`;
  }

  function tracesOf(chart, scheme, x, y) {
    const scaled = (values, factor) => values.map((value) => (value === null ? null : value * factor));
    return chart.series.map((series) => {
      const colour = tone(scheme, series.tone);
      const trace = {
        name: plain(series.name),
        x: chart.over === "names" ? series.x.map((at) => plain(chart.names[at])) : scaled(series.x, x.factor),
        y: scaled(series.y, y.factor),
        showlegend: false,
        hovertemplate: `${y.tickprefix || ""}%{y${y.hover}}${y.suffix}`,
      };
      if (series.sizes) {
        trace.customdata = series.sizes;
        trace.hovertemplate += " <span style='opacity:.6'>of %{customdata:,}</span>";
      }
      if (series.draw === "bars") {
        Object.assign(trace, { type: "bar", marker: { color: colour, line: { width: 0 } } });
        if (chart.bar_width_s) trace.width = chart.bar_width_s * x.factor * 0.92;
        return trace;
      }
      Object.assign(trace, { type: "scatter", mode: "lines", connectgaps: false });
      trace.line = { color: colour, width: 1.6, dash: series.dashed ? "4px,3px" : "solid" };
      if (series.draw === "points") {
        trace.mode = "markers";
        trace.marker = { color: faded(colour, 0.38), size: 4.5, line: { width: 0 } };
        trace.hovertemplate = `%{x:,} tokens: %{y${y.hover}}${y.suffix}`;
      } else if (series.draw === "steps") {
        trace.line.shape = "hv";
        if (chart.over === "seconds") Object.assign(trace, { fill: "tozeroy", fillcolor: faded(colour, 0.16) });
      } else if (series.draw === "area") {
        Object.assign(trace, { fill: "tozeroy", fillcolor: faded(colour, 0.13) });
      } else if (series.x.length <= 40 || series.y.includes(null)) {
        // a point between two gaps has no line to show it
        Object.assign(trace, { mode: "lines+markers", marker: { color: colour, size: 3.5 } });
      }
      return trace;
    });
  }

  function shapesOf(chart, scheme, x, y, wide, width) {
    const shapes = [];
    const annotations = [];
    const label = (text, more) => annotations.push({
      text: plain(text), showarrow: false, font: { size: 10.5, color: scheme.soft }, yref: "paper", y: 1,
      yanchor: "bottom", xanchor: "left", xshift: -2, ...more,
    });
    if (chart.over === "time") {
      data.phases.forEach((phase, number) => {
        const [from, to] = [phase.start_s * x.factor, (phase.start_s + phase.ran_s) * x.factor];
        shapes.push({
          type: "rect", layer: "below", yref: "paper", y0: 0, y1: 1, x0: from, x1: to, line: { width: 0 },
          fillcolor: phase.excluded ? scheme.excluded : scheme.shades[number % 2],
        });
        const room = (phase.ran_s / data.duration_s) * width;
        if (wide && room > 7 * phase.name.length + 6) label(phase.name, { x: from, xshift: 1 });
      });
      data.events.forEach((event) => {
        const at = event.at_s * x.factor;
        shapes.push({
          type: "line", yref: "paper", y0: 0, y1: 1, x0: at, x1: at, line: { color: scheme.soft, width: 1, dash: "dot" },
        });
        if (wide) label(event.name, { x: at, y: 0.98, yanchor: "top", xanchor: "right", textangle: -90, xshift: 0 });
      });
    }
    chart.marks.forEach((mark) => {
      const line = { color: tone(scheme, mark.tone), width: 1.2, dash: "5px,3px" };
      if (mark.axis === "y") {
        const at = mark.value * y.factor;
        shapes.push({ type: "line", xref: "paper", x0: 0, x1: 1, y0: at, y1: at, line });
        label(mark.name, { xref: "paper", x: 0, xshift: 3, yref: "y", y: at, font: { size: 11, color: line.color } });
      } else {
        const at = mark.value * x.factor;
        shapes.push({ type: "line", yref: "paper", y0: 0, y1: 1, x0: at, x1: at, line: { ...line, width: 1 } });
      }
    });
    return [shapes, annotations];
  }

  // names of vertical lines, moved apart where they would overlap
  function markLabels(chart, scheme, x, width, low, high) {
    let taken = -Infinity;
    return chart.marks.filter((mark) => mark.axis === "x").map((mark) => {
      const share = Math.log(mark.value / low) / Math.log(high / low);
      const at = Math.max(share * width, taken + 24);
      taken = at;
      return {
        text: plain(mark.name), showarrow: false, font: { size: 10.5, color: tone(scheme, mark.tone) },
        xref: "x", x: Math.log10(mark.value * x.factor), xshift: at - share * width, yref: "paper", y: 1, yanchor: "bottom",
      };
    });
  }

  function layoutOf(chart, scheme, x, y, element, paper) {
    const wide = element.closest(".wide") !== null;
    const size = paper ? { width: wide ? PAPER_WIDTH : PAPER_COLUMN, height: 170, autosize: false } : { autosize: true };
    const width = (size.width || element.clientWidth) - 66;
    const axis = {
      gridcolor: scheme.line, linecolor: scheme.axis, zeroline: false, tickfont: { size: 11, color: scheme.soft },
      fixedrange: touch, ticks: "", automargin: false,
    };
    const [shapes, annotations] = shapesOf(chart, scheme, x, y, wide, width);
    const layout = {
      margin: { l: 54, r: 12, t: 16, b: 26 }, ...size, shapes, annotations, bargap: 0.35, bargroupgap: 0.12,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: FONT, size: 11, color: scheme.ink },
      hovermode: chart.over === "tokens" ? "closest" : "x unified", dragmode: touch ? false : "zoom",
      barmode: chart.stacked ? "stack" : "group",
      hoverlabel: {
        bgcolor: scheme.paper, bordercolor: scheme.axis, font: { family: FONT, size: 12, color: scheme.ink }, align: "left",
        namelength: 40,
      },
      xaxis: { ...axis, showgrid: false, showline: true, spikethickness: 1, spikecolor: scheme.soft, spikedash: "solid" },
      yaxis: { ...axis, rangemode: "tozero", tickprefix: y.tickprefix, ticksuffix: y.ticksuffix, tickformat: y.tickformat, nticks: 6 },
    };
    if (chart.over === "time") {
      Object.assign(layout.xaxis, { range: [0, data.duration_s * x.factor], ticksuffix: CLOCK[1], nticks: width > 600 ? 12 : 6 });
      layout.xaxis.hoverformat = ".4~g";
    } else if (chart.over === "seconds") {
      const ends = chart.series.flatMap((series) => series.x).concat(chart.marks.map((mark) => mark.value));
      const [low, high] = [Math.min(...ends) * 0.97, largest(ends) * 1.03];
      Object.assign(layout.xaxis, {
        type: "log", range: [Math.log10(low * x.factor), Math.log10(high * x.factor)], hoverformat: ".3~g",
        ...spreadTicks(low * x.factor, high * x.factor, x.suffix, width),
      });
      annotations.push(...markLabels(chart, scheme, x, width, low, high));
    } else if (chart.over === "tokens") {
      Object.assign(layout.xaxis, { ticksuffix: "", tickformat: "~s", rangemode: "tozero", showgrid: true });
    } else {
      Object.assign(layout.xaxis, { type: "category" });
      layout.bargap = chart.names.length < 4 ? 0.66 : 0.4;
      layout.margin.b = 34;
    }
    return layout;
  }

  // round numbers on a logarithmic axis, as many as there is room for
  const LADDERS = [
    [1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2, 2.2, 2.4, 2.6, 2.8, 3, 3.3, 3.6, 4, 4.5, 5, 5.5, 6, 7, 8, 9],
    [1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8], [1, 1.5, 2, 3, 4, 5, 7], [1, 2, 5], [1, 3], [1],
  ];
  function spreadTicks(low, high, suffix, width) {
    const most = Math.max(2, Math.floor(width / 58));
    for (const ladder of LADDERS) {
      const tickvals = [];
      for (let decade = Math.floor(Math.log10(low)); decade <= Math.log10(high); decade += 1) {
        tickvals.push(...ladder.map((step) => Number((step * 10 ** decade).toPrecision(6))));
      }
      const kept = tickvals.filter((value) => value >= low && value <= high);
      if (kept.length <= most) return { tickmode: "array", tickvals: kept, ticktext: kept.map((value) => value.toLocaleString("en") + suffix) };
    }
    return { nticks: 4 };
  }

  function legendOf(chart, scheme, element) {
    const legend = document.createElement("div");
    legend.className = "legend";
    chart.series.forEach((series, number) => {
      const button = document.createElement("button");
      const swatch = document.createElement("i");
      swatch.className = series.draw === "bars" || series.draw === "points" ? "box" : "";
      swatch.style.background = tone(scheme, series.tone);
      button.append(swatch, document.createTextNode(series.name));
      button.type = "button";
      button.setAttribute("aria-pressed", "true");
      button.addEventListener("click", () => {
        const shown = button.getAttribute("aria-pressed") === "true";
        button.setAttribute("aria-pressed", String(!shown));
        Plotly.restyle(element, { visible: !shown }, [number]);
      });
      legend.append(button);
    });
    return legend;
  }

  // a sheet of A4 without its margins, in CSS pixels: print is laid out only after the charts are drawn
  const PAPER_WIDTH = 700;
  const PAPER_COLUMN = 340;
  const CONFIG = { displayModeBar: false, responsive: true, doubleClick: "reset", showTips: false };
  const elements = data.charts.map((chart) => document.getElementById(`chart-${chart.id}`));
  const timed = elements.filter((_, number) => data.charts[number].over === "time");

  function draw(chart, element, scheme, paper) {
    const x = chart.over === "time" ? { factor: 1 / CLOCK[0] } : { factor: 1, suffix: "" };
    if (chart.over === "seconds") Object.assign(x, axisOf("s", chart.series.flatMap((series) => series.x)));
    const stacked = chart.stacked ? chart.series[0].x.map((_, at) => chart.series.reduce((sum, s) => sum + (s.y[at] || 0), 0)) : [];
    const y = axisOf(chart.unit, chart.series.flatMap((series) => series.y).concat(stacked));
    const drawn = Plotly.react(element, tracesOf(chart, scheme, x, y), layoutOf(chart, scheme, x, y, element, paper), CONFIG);
    const old = element.parentNode.querySelector(".legend");
    if (old) old.remove();
    if (chart.series.length > 1) element.before(legendOf(chart, scheme, element));
    return drawn;
  }

  async function drawAll(scheme, paper = false) {
    for (const [number, chart] of data.charts.entries()) await draw(chart, elements[number], scheme, paper);
  }

  // one zoom for everything that has the run's time below it
  let following = false;
  function follow(element) {
    element.on("plotly_relayout", async (change) => {
      const range = change["xaxis.range[0]"] === undefined ? null : [change["xaxis.range[0]"], change["xaxis.range[1]"]];
      if (following || (range === null && !("xaxis.range" in change) && !change["xaxis.autorange"])) return;
      following = true;
      const wanted = range || change["xaxis.range"] || [0, data.duration_s / CLOCK[0]];
      await Promise.all(timed.filter((other) => other !== element).map((other) => Plotly.relayout(other, { "xaxis.range": [...wanted] })));
      following = false;
    });
  }

  const current = () => (dark.matches ? SCHEMES.dark : SCHEMES.light);
  await loadLibrary();
  await drawAll(current());
  timed.forEach(follow);
  dark.addEventListener("change", () => drawAll(current()));
  addEventListener("beforeprint", () => drawAll(SCHEMES.light, true));
  addEventListener("afterprint", () => drawAll(current()));
  document.documentElement.dataset.drawn = String(elements.length);
})();

// Draws each chart of a page from the ECharts option beside it, in the colours of the theme; redraws when they change.
import { init } from "./vendor/echarts.min.js";

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// A token may be light-dark(…); an element that wears it says which of the two it is.
function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const seen = getComputedStyle(probe).color;
  probe.remove();
  return seen;
}

const inWords = (number) => number.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 2 });

export function theme() {
  const [ink, quiet, line, leaf] = ["--ink", "--quiet", "--line", "--leaf"].map(colour);
  const axis = {
    axisLine: { lineStyle: { color: quiet } },
    axisTick: { show: false },
    axisLabel: { color: quiet, hideOverlap: true },
    nameTextStyle: { color: quiet },
    splitLine: { lineStyle: { color: line } },
  };
  return {
    color: ["--series-1", "--series-2", "--series-3", "--series-4"].map(colour),
    textStyle: { color: ink, fontFamily: token("--font") },
    legend: { textStyle: { color: ink } },
    tooltip: {
      renderMode: "richText", // the HTML one writes style attributes, which our policy forbids
      backgroundColor: leaf,
      borderColor: line,
      textStyle: { color: ink },
      valueFormatter: (value) => (typeof value === "number" ? inWords(value) : value),
    },
    valueAxis: { ...axis, axisLabel: { ...axis.axisLabel, formatter: inWords } },
    categoryAxis: { ...axis, splitLine: { show: false } },
    timeAxis: { ...axis, splitLine: { show: false } },
  };
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** The charts of this page, by the element each is drawn in. */
export const charts = new WeakMap();

/** Draw an option into an element; returns the chart. */
export function draw(plot, option) {
  plot.hidden = false;
  const chart = init(plot, theme(), { renderer: "canvas" });
  chart.setOption({ animation: !calm(), animationDuration: 120, ...option });
  charts.set(plot, chart);
  new ResizeObserver(() => chart.resize()).observe(plot);
  return chart;
}

function drawAll() {
  for (const figure of document.querySelectorAll("figure.chart:not([data-drawn])")) {
    figure.dataset.drawn = "";
    figure.querySelector("[data-table]").open = false;
    const option = JSON.parse(figure.querySelector("script[data-chart]").textContent);
    const plot = figure.querySelector(".plot");
    let chart = draw(plot, option);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      chart.dispose();
      chart = draw(plot, option);
      delete plot.dataset.brushed;
      document.dispatchEvent(new Event("charts:drawn"));
    });
  }
  document.dispatchEvent(new Event("charts:drawn"));
}

drawAll();
document.addEventListener("htmx:afterSettle", drawAll);

// The map: a box dragged on it, or handles on a histogram, fill in the number fields; the fields ask the server.
import { charts } from "./charts.js";

const form = () => document.querySelector("#box");
const field = (name) => form().elements[name];

// A box that begins or ends beside the border reaches to it: the outermost dots lie half outside, where none can begin.
const BORDER = 0.02;
const clamp = (value) => (value < BORDER ? 0 : value > 1 - BORDER ? 1 : value).toFixed(2);

let asked = 0;
async function ask(address) {
  const mine = ++asked;
  const answer = await fetch(address, { headers: { accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const chosen = page.querySelector("#chosen");
  if (mine !== asked || !chosen) return; // another box was drawn meanwhile
  document.querySelector("#chosen").replaceWith(chosen);
  history.replaceState(history.state, "", address);
}

function query(element, submitter) {
  const data = new FormData(element, submitter);
  for (const name of ["csrf_token", "looked_at", "name", "because", "outcome"]) data.delete(name);
  return `/map?${new URLSearchParams([...data].filter(([, value]) => value !== ""))}`;
}

function setBounds(bounds) {
  for (const [name, [from, to]] of Object.entries(bounds)) {
    field(`${name}_from`).value = clamp(Math.min(from, to));
    field(`${name}_to`).value = clamp(Math.max(from, to));
  }
  return ask(query(form()));
}

function brushes(plot, brushType, onBox) {
  const chart = charts.get(plot);
  if (!chart) return;
  chart.setOption({
    brush: { brushType, xAxisIndex: 0, yAxisIndex: 0, transformable: true, throttleType: "debounce", throttleDelay: 150 },
  });
  chart.dispatchAction({ type: "takeGlobalCursor", key: "brush", brushOption: { brushType, brushMode: "single" } });
  chart.on("brushEnd", ({ areas }) => {
    if (areas.length) onBox(areas[0].coordRange);
  });
}

function arrive() {
  const map = document.querySelector("[data-map] .plot");
  if (!map || map.dataset.brushed) return;
  map.dataset.brushed = "yes";
  brushes(map, "rect", ([across, up]) => setBounds({ relevance: across, disrespect: up }));
  for (const fieldset of document.querySelectorAll("[data-score]")) {
    const score = fieldset.dataset.score;
    brushes(fieldset.querySelector(".plot"), "lineX", (range) => setBounds({ [score]: range }));
  }
}

document.addEventListener("submit", (event) => {
  const more = event.submitter?.matches("[data-more]");
  if (event.target.id !== "box" && !more) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  ask(query(event.target, event.submitter));
}, true);

document.addEventListener("charts:drawn", arrive);
arrive();

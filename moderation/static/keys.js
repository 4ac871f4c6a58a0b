// Keys: every one does what a button or link on the page does.
const KEYS = {
  j: "next", k: "previous", f: "approve", a: "approve", l: "delete", d: "delete", z: "defer", u: "undo",
  t: "thread", r: "article", n: "commenter", i: "details", "/": "search", g: "filters", m: "map",
};

const byKey = (name) => document.querySelector(`[data-key="${name}"]`);
const openRules = () => document.querySelector("details.rules[open]");

function openSheet(details) {
  details.open = true;
  (details.querySelector("button.recommended, input[name=note]") ?? details.querySelector("summary")).focus();
}

function zen() {
  document.documentElement.toggleAttribute("data-zen");
}

function run(name, step) {
  if ((name === "next" && step(1)) || (name === "previous" && step(-1))) return true;
  const wanted = byKey(name);
  if (!wanted) return false;
  if (wanted.matches("details.rules")) openSheet(wanted);
  else if (wanted.matches("details")) {
    wanted.open = !wanted.open;
    wanted.querySelector("summary").focus();
  } else if (wanted.matches("input")) wanted.focus();
  else wanted.click();
  return true;
}

function press(event, step) {
  const dialog = document.querySelector("#keys");
  const rules = openRules();
  if (event.key === "?" && dialog) return dialog.open ? dialog.close() : dialog.showModal();
  if (event.key === "Escape" && rules) {
    rules.open = false;
    return rules.querySelector("summary").focus();
  }
  if (dialog?.open) return undefined;
  if (rules && /^[0-9]$/.test(event.key)) return rules.querySelector(`[data-digit="${event.key}"]`)?.click();
  if (event.key.toLowerCase() === "v") return zen();
  // Shift and the key for deleting: by the recommended rule, at once.
  if (event.shiftKey && /^[ld]$/i.test(event.key)) return document.querySelector("button.recommended")?.click();
  if (run(KEYS[event.key.toLowerCase()], step)) event.preventDefault();
  return undefined;
}

/** Listen to the keyboard; `step` goes to the next or previous card, `underway` is the promise of the page to come. */
export function listen(step, underway) {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.matches?.("details.rules input")) return press(event, step);
    if (event.target.closest?.("input, textarea, select, [contenteditable]")) return undefined;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !event.shiftKey) {
      byKey("undo")?.click();
      return event.preventDefault();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return undefined;
    return underway()?.then(() => press(event, step)) ?? press(event, step);
  });
}

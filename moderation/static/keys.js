// Keys: every one does what a button or link on the page does. Which key does what comes with the page.
const GO_WITHIN = 3000;
let going = null;

const byKey = (name) => document.querySelector(`[data-key="${name}"]`);
const openRules = () => document.querySelector("details.rules[open]");
const menu = () => document.querySelector("details.menu");

function openSheet(details) {
  details.open = true;
  (details.querySelector("button.recommended, input[name=note]") ?? details.querySelector("summary")).focus();
}

// Going somewhere: the menu opens and shows the letters; the next key is one of them.
function startGoing() {
  if (!menu()) return;
  menu().open = true;
  document.documentElement.toggleAttribute("data-going", true);
  going = setTimeout(stopGoing, GO_WITHIN);
}

function stopGoing() {
  clearTimeout(going);
  going = null;
  if (menu()) menu().open = false;
  document.documentElement.removeAttribute("data-going");
}

function go(key) {
  stopGoing();
  document.querySelector(`[data-go~="${CSS.escape(key)}"]`)?.click();
}

function run(name, step) {
  if ((name === "next" && step(1)) || (name === "previous" && step(-1))) return true;
  if (name === "go") return startGoing() ?? true;
  if (name === "zen") return document.documentElement.toggleAttribute("data-zen") || true;
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

// Shift and a digit: by that rule, at once; the key of the digit, whatever sign Shift makes of it.
const deleteBy = (digit) => document.querySelector(`details.rules[data-key=delete] [data-digit="${digit}"]`)?.click();

function press(event, step) {
  const dialog = document.querySelector("#keys");
  const rules = openRules();
  const key = event.key.toLowerCase();
  if (going && event.key !== "Shift") {
    event.preventDefault();
    return key === "escape" ? stopGoing() : go(key);
  }
  if (event.key === "?" && dialog) return dialog.open ? dialog.close() : dialog.showModal();
  if (event.key === "Escape" && rules) {
    rules.open = false;
    return rules.querySelector("summary").focus();
  }
  if (!dialog || dialog.open) return undefined;
  if (event.shiftKey && /^Digit[0-9]$/.test(event.code)) return deleteBy(event.code.at(-1));
  if (rules && /^[0-9]$/.test(event.key)) return rules.querySelector(`[data-digit="${event.key}"]`)?.click();
  const name = JSON.parse(dialog.dataset.keys)[key];
  // Shift and the key for deleting: by the recommended rule, at once.
  if (event.shiftKey && name === "delete") return document.querySelector("button.recommended")?.click();
  if (name && run(name, step)) event.preventDefault();
  return undefined;
}

/** Listen to the keyboard; `step` goes to the next or previous card, `underway` is the promise of the page to come. */
export function listen(step, underway) {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.matches?.("details.rules input")) return press(event, step);
    if (event.target.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]")) return undefined;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !event.shiftKey) {
      byKey("undo")?.click();
      return event.preventDefault();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return undefined;
    return underway()?.then(() => press(event, step)) ?? press(event, step);
  });
}

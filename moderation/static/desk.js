// Keys for the desk. Every key does what a button or link on the page does; without this script nothing is missing.
"use strict";

const KEYS = { j: "next", k: "previous", f: "approve", a: "approve", l: "delete", d: "delete", u: "undo" };

const byKey = (name) => document.querySelector(`[data-key="${name}"]`);
const openRules = () => document.querySelector("details.rules[open]");

function openDelete(details) {
  details.open = true;
  (details.querySelector("button.recommended") ?? details.querySelector("summary")).focus();
}

function press(event) {
  const dialog = document.querySelector("#keys");
  const rules = openRules();
  if (event.key === "?" && dialog) return dialog.open ? dialog.close() : dialog.showModal();
  if (event.key === "Escape" && rules) {
    rules.open = false;
    return rules.querySelector("summary").focus();
  }
  if (dialog?.open) return undefined;
  if (rules && /^[0-9]$/.test(event.key)) return rules.querySelector(`[data-digit="${event.key}"]`)?.click();
  const name = KEYS[event.key.toLowerCase()];
  const wanted = name && byKey(name);
  if (!wanted) return undefined;
  event.preventDefault();
  return name === "delete" ? openDelete(wanted) : wanted.click();
}

document.addEventListener("keydown", (event) => {
  if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !event.shiftKey) {
    byKey("undo")?.click();
    event.preventDefault();
  } else if (!event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat) {
    press(event);
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-opens=keys]")) document.querySelector("#keys").showModal();
  const summary = event.target.closest("details.rules > summary");
  if (summary && !summary.parentElement.open) {
    event.preventDefault();
    openDelete(summary.parentElement);
  }
});

function arrive() {
  for (const button of document.querySelectorAll("[data-opens]")) button.hidden = false;
  const undo = document.querySelector(".undo");
  if (undo) setTimeout(() => undo.remove(), 1000 * Number(undo.dataset.seconds));
  document.querySelector("#said").textContent = undo?.querySelector("[data-says]").innerText ?? "";
  document.querySelector(".rail li [aria-current]")?.scrollIntoView({ block: "nearest" });
  document.querySelector("#main.card")?.focus({ preventScroll: true });
}

document.addEventListener("htmx:sendError", () => {
  document.querySelector("#unreachable").hidden = false;
});
document.addEventListener("DOMContentLoaded", arrive);
document.addEventListener("htmx:afterSettle", arrive);

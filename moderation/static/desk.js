// The desk's script: cards that are there before they are asked for, keys, swipes. Without it nothing is missing.
"use strict";
import { work } from "./care.js";
import { begin, decide, show, showThread, step, underway, undo } from "./cards.js";
import { bringBack, keep } from "./drafts.js";
import { listen } from "./keys.js";
import { listen as listenToNews } from "./live.js";
import { watch } from "./swipe.js";

function arrive() {
  for (const button of document.querySelectorAll("[data-opens]")) button.hidden = false;
  const undone = document.querySelector(".undo");
  if (undone) setTimeout(() => undone.remove(), 1000 * Number(undone.dataset.seconds));
  document.querySelector("#said").textContent = undone?.querySelector("[data-says]").innerText ?? "";
  document.querySelector(".rail li [aria-current]")?.scrollIntoView({ block: "nearest" });
  document.querySelector("#main.card")?.focus({ preventScroll: true });
  bringBack();
  begin();
  listenToNews();
  if (document.querySelector("#pause")) work();
}

keep();
listen(step, underway);
watch();

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches?.("form[data-desk]") || !document.querySelector(".columns .rail")) return;
  event.preventDefault();
  if (form.dataset.desk === "undo") undo(form);
  else decide(form, event.submitter);
});

document.addEventListener("click", (event) => {
  // The second half of a double click lies on a card that nobody has read yet.
  if (event.detail > 1 && event.target.closest("form[data-desk] button")) event.preventDefault();
  if (event.target.closest("[data-opens=keys]")) document.querySelector("#keys").showModal();
  const summary = event.target.closest("details.rules > summary");
  if (summary && !summary.parentElement.open) {
    event.preventDefault();
    summary.parentElement.open = true;
    (summary.parentElement.querySelector("button.recommended, input[name=note]") ?? summary).focus();
  }
  const around = event.target.closest("a[data-around]");
  if (around && document.querySelector("#around") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    showThread(around.dataset.around);
  }
  const link = event.target.closest("a[data-card]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    show(link.dataset.card);
  }
});

document.addEventListener("htmx:sendError", () => {
  document.querySelector("#unreachable").hidden = false;
});
document.addEventListener("DOMContentLoaded", arrive);
document.addEventListener("htmx:afterSettle", arrive);

// Who has read bad texts for long is reminded of a break, once, by a line that is in nobody's way.
const REST = 5 * 60_000; // who did nothing for so long has had a break
const KEPT = "hausordnung:at-work";

function since() {
  const [begun, last] = (localStorage.getItem(KEPT) ?? "").split(" ").map(Number);
  return Date.now() - last < REST ? begun : Date.now();
}

function remind(begun) {
  const notice = document.querySelector("#pause");
  const after = Number(notice?.dataset.after) * 60_000;
  if (after && Date.now() - begun >= after) notice.hidden = false;
}

/** Somebody does something: remember since when, and look whether it is time. */
export function work() {
  const begun = since();
  localStorage.setItem(KEPT, `${begun} ${Date.now()}`);
  remind(begun);
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("#pause button")) return;
  document.querySelector("#pause").hidden = true;
  localStorage.removeItem(KEPT);
});
for (const kind of ["keydown", "pointerdown"]) document.addEventListener(kind, work, { passive: true });

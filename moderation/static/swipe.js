// On a phone: a swipe to the right approves, one to the left opens the rules.
const FAR = 90;

/** Watch the fingers. */
export function watch() {
  let from = null;
  document.addEventListener("touchstart", (event) => {
    const [touch] = event.touches;
    from = event.touches.length === 1 && event.target.closest(".card .text, .card .about, .card .doubt") ? touch : null;
  }, { passive: true });
  document.addEventListener("touchend", (event) => {
    const [touch] = event.changedTouches;
    if (!from || !touch) return;
    const [right, down] = [touch.clientX - from.clientX, Math.abs(touch.clientY - from.clientY)];
    from = null;
    if (Math.abs(right) < FAR || down > Math.abs(right) / 2) return;
    if (right > 0) document.querySelector("[data-key=approve]")?.click();
    else document.querySelector("details.rules[data-key=delete] > summary")?.click();
  }, { passive: true });
}

// One card takes the place of the last at once: the next ones are fetched ahead, and decisions are sent meanwhile.
const AHEAD = 3;
const FEW = 10; // cards after the open one, below which the list is filled up
const cards = new Map(); // id -> promise of the card's HTML, null where the comment waits no more
const leaving = new Set(); // ids of this page's cards that were decided or put off, whether or not the server knows yet
const sending = new Set(); // what was sent and is not answered yet
let filling = false;
let left = false; // with a form that carries what was typed: nothing else may take its place
let turn = 0;
let arriving = null;

const links = () => [...document.querySelectorAll(".rail a[data-card]")];
const link = (id) => document.querySelector(`.rail a[data-card="${id}"]`);
export const current = () => document.querySelector("#main.card")?.dataset.comment || null;
const token = () => document.querySelector("input[name=csrf_token]")?.value ?? "";

function part(address, options = {}) {
  return fetch(address, { ...options, headers: { "X-Part": "1" }, credentials: "same-origin" });
}

async function load(id) {
  const address = new URL(link(id)?.href ?? location.href);
  const answer = await part(`/queue/cards/${id}${address.search}`);
  if (answer.redirected) leave(address); // signed out: the sign-in leads back to this card
  return answer.ok && !answer.redirected ? answer.text() : null;
}

// To leave at once would cut off a decision, or a note, whose answer is slower.
async function leave(address) {
  await Promise.allSettled(sending);
  if (!left) location.assign(address);
}

function fetchCard(id) {
  if (!cards.has(id)) cards.set(id, load(id).catch(() => (cards.delete(id), null)));
  return cards.get(id);
}

function neighbour(id, by) {
  const ids = links().filter((one) => one.dataset.card === id || !("held" in one.dataset)).map((one) => one.dataset.card);
  return ids[ids.indexOf(id) + by] ?? null;
}

addEventListener("pageshow", () => (left = false)); // who goes back finds the page as it was left

/** Begin on a page that has just come. */
export function begin() {
  leaving.clear();
  prepare();
}

/** Fetch the cards that come next, and what comes after the list before its end is reached. */
export function prepare() {
  const id = current();
  if (!id || !document.querySelector(".rail")) return;
  const ids = links().map((one) => one.dataset.card);
  const at = ids.indexOf(id);
  if (ids.length - at <= FEW) fill();
  for (const next of [...ids.slice(at + 1, at + 1 + AHEAD), ...ids.slice(Math.max(0, at - 1), at)]) fetchCard(next);
  for (const known of cards.keys()) if (!ids.includes(known)) cards.delete(known);
}

// The list has gaps where comments were decided; the server's has none, so what follows our last one there comes next.
async function fill() {
  const further = document.querySelector(".rail a[data-further]");
  if (filling || !further) return;
  filling = true;
  const answer = await part(`/queue/list${location.search}`).catch(() => null);
  filling = false;
  if (!answer?.ok || answer.redirected || !further.isConnected) return;
  const came = new DOMParser().parseFromString(await answer.text(), "text/html");
  const items = [...came.querySelectorAll("li")];
  const idOf = (item) => item.querySelector("a[data-card]")?.dataset.card; // none where it names an article
  const last = items.findLastIndex((item) => link(idOf(item)));
  const fresh = items.slice(last + 1).filter((item) => !leaving.has(idOf(item)));
  document.querySelector(".rail ol").append(...fresh);
  further.closest(".pages").replaceWith(came.querySelector(".pages"));
  prepare();
}

function claim(id) {
  const body = new FormData();
  body.set("csrf_token", token());
  part(`/comments/${id}/claim`, { method: "POST", body }).catch(() => {});
}

/** Fetch a card anew when it is asked for. */
export const forget = (id) => cards.delete(id);

/** Put another card in the place of the open one. */
export async function show(id, { claimed = false } = {}) {
  const mine = ++turn;
  const html = await fetchCard(id);
  if (mine !== turn) return;
  if (html === null) {
    leave(link(id)?.href ?? "/queue"); // decided meanwhile, or not to be had: the whole page knows more
    return;
  }
  const columns = document.querySelector(".columns");
  columns.querySelectorAll(":scope > main, :scope > aside").forEach((old) => old.remove());
  columns.insertAdjacentHTML("beforeend", html);
  links().forEach((one) => one.removeAttribute("aria-current"));
  link(id)?.setAttribute("aria-current", "true");
  link(id)?.scrollIntoView({ block: "nearest" });
  if (link(id)) history.replaceState(history.state, "", link(id).href);
  scrollTo(0, 0);
  document.querySelector("#main").focus({ preventScroll: true });
  if (!claimed) claim(id);
  prepare();
}

/** Show the thread around the open comment below it, or hide it again; false where the page has no place for it. */
export async function showThread(address) {
  const around = document.querySelector("#around");
  if (!around) return;
  if (around.hidden && !around.innerHTML) {
    const answer = await part(address).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    around.innerHTML = await answer.text();
  }
  around.hidden = !around.hidden;
  (around.hidden ? document.querySelector("#main") : around).focus({ preventScroll: true });
  if (around.hidden) return;
  around.scrollIntoView({ block: "nearest" });
}

/** Go to the next (1) or previous (-1) card; false where there is none here. */
export function step(by) {
  const id = current();
  const to = id && neighbour(id, by);
  if (to) show(to);
  return Boolean(to);
}

function say(html) {
  document.querySelector(".undo")?.remove();
  document.querySelector("#said").insertAdjacentHTML("beforebegin", html);
  const undone = document.querySelector(".undo");
  if (undone) setTimeout(() => undone.remove(), 1000 * Number(undone.dataset.seconds));
  document.querySelector("#said").textContent = undone?.querySelector("[data-says]").innerText ?? "";
}

// Sent as the browser would have: the sign-in keeps what was typed and leads back.
function submitPlainly(action, body) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = action;
  form.hidden = true;
  for (const [name, value] of body) {
    const field = document.createElement("input");
    [field.type, field.name, field.value] = ["hidden", name, value];
    form.append(field);
  }
  document.body.append(form);
  left = true;
  form.submit();
}

/** Send a decision or a note, and go on to the next card without waiting for the answer. */
export async function decide(form, button) {
  const id = current();
  if (leaving.has(id)) return undefined; // pressed twice: the next card is still on its way
  leaving.add(id);
  const body = new FormData(form, button);
  const next = neighbour(id, 1) ?? neighbour(id, -1);
  body.set("following", next ?? "");
  const item = link(id)?.closest("li");
  const place = item?.nextElementSibling;
  const list = item?.parentElement;
  const was = [...document.querySelectorAll(".columns > main, .columns > aside")].map((one) => one.outerHTML).join("");
  const sent = part(form.action, { method: "POST", body });
  sending.add(sent);
  sent.catch(() => {}).finally(() => sending.delete(sent));
  if (next) {
    show(next, { claimed: true });
    item?.remove(); // a card opened by its address need not be in the list
  }
  try {
    const answer = await sent;
    if (answer.redirected) return submitPlainly(form.action, body);
    if (answer.ok) say(await answer.text());
    else if (answer.status === 409 && next) document.querySelector("#stale").innerHTML = await answer.text();
    else return submitPlainly(form.action, body);
    document.querySelector("#unreachable").hidden = true;
    if (next) return undefined;
    leave(new URL(body.get("back"), location).pathname + location.search.replace(/&?comment=\d+/, ""));
  } catch {
    document.querySelector("#unreachable").hidden = false;
    leaving.delete(id);
    if (!next) return undefined;
    if (item) list.insertBefore(item, place); // nothing was decided: the card comes back as it was
    cards.set(id, Promise.resolve(was));
    show(id, { claimed: true });
  }
  return undefined;
}

/** Resolves when the page shows what was asked for; null where it already does. */
export const underway = () => arriving;

/** Take the last decision back and show its comment, in this page: keys pressed meanwhile are for that comment. */
export function undo(form) {
  arriving = takeBack(form).finally(() => (arriving = null));
}

async function takeBack(form) {
  const answer = await part(form.action, { method: "POST", body: new FormData(form) }).catch(() => null);
  if (!answer) document.querySelector("#unreachable").hidden = false;
  else if (!answer.ok) submitPlainly(form.action, new FormData(form));
  else if (new URL(answer.url).pathname !== "/queue") location.assign(answer.url);
  else await turnTo(answer.url, await answer.text());
}

function turnTo(address, html) {
  history.replaceState(history.state, "", address);
  cards.clear(); // what is known of them is older than this page
  return new Promise((done) => htmx.swap(document.body, html, { swapStyle: "innerHTML", settleDelay: 0 }, { afterSettleCallback: done }));
}

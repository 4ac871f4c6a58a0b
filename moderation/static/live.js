// The queue while it is looked at: a ring says that something happened, then the page asks what. Without rings it asks
// every few seconds. A tab that nobody sees asks nothing.
import { current, forget, prepare } from "./cards.js";

const ASK_EVERY = 5000;
const NOT_AGAIN_WITHIN = 1000;
let source = null;
let timer = null;
let known = ""; // the ETag of what was last told, and for which page
let told = "";

const rail = () => document.querySelector(".rail[data-newest]");

function address() {
  const query = new URLSearchParams(location.search);
  query.delete("after");
  const ids = [...rail().querySelectorAll("a[data-card]")].map((one) => one.dataset.card);
  const open = current();
  if (open && !ids.includes(open)) ids.push(open);
  query.set("known", ids.join(","));
  query.set("newest", rail().dataset.newest);
  query.delete("comment");
  if (open) query.set("comment", open);
  const revision = document.querySelector(".decide input[name=revision]")?.value;
  if (revision) query.set("revision", revision);
  const closing = document.querySelector("details.closing");
  if (closing) query.set("closed", closing.dataset.closed);
  return `/queue/news?${query}`;
}

function show(news) {
  const open = current();
  if (!open && news.came) return location.reload(); // an empty desk takes what comes
  document.querySelector(".waiting").innerHTML = news.waits;
  const came = document.querySelector("[data-came]");
  came.textContent = news.came;
  came.hidden = !news.came;
  for (const link of rail().querySelectorAll("a[data-card]")) {
    const { card } = link.dataset;
    link.toggleAttribute("data-held", card in news.held);
    link.querySelector("[data-reader]").textContent = card in news.held ? `${news.held[card]} · ` : "";
    if (!news.gone.includes(card)) continue;
    forget(card);
    if (card !== open) link.closest("li").remove();
  }
  const stale = document.querySelector("#stale");
  if (stale && news.notice && stale.dataset.said !== news.notice) {
    stale.innerHTML = news.notice;
    stale.dataset.said = news.notice;
  }
  return prepare();
}

async function ask() {
  clearTimeout(timer);
  if (!rail() || document.hidden) return;
  const asked = address();
  try {
    const answer = await fetch(asked, {
      headers: asked === told ? { "If-None-Match": known } : {},
      cache: "no-store",
      redirect: "error",
    });
    if (answer.ok && rail() && asked === address()) {
      show(await answer.json());
      [known, told] = [answer.headers.get("ETag"), asked];
    }
  } catch {
    // not to be reached, or signed out: whoever acts next is told
  }
  if (!source) timer = setTimeout(ask, ASK_EVERY);
}

function hush() {
  source?.close();
  source = null;
  clearTimeout(timer);
}

/** Listen as long as a queue is shown and seen. */
export function listen() {
  if (!rail() || document.hidden) return hush();
  if (source) return undefined;
  source = new EventSource("/queue/bell");
  source.onmessage = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, NOT_AGAIN_WITHIN * Math.random());
  };
  source.onerror = () => {
    if (source?.readyState !== EventSource.CLOSED) return; // it tries again by itself
    source = null; // no stream to be had: ask instead
    clearTimeout(timer);
    timer = setTimeout(ask, ASK_EVERY);
  };
  return undefined;
}

document.addEventListener("visibilitychange", () => (document.hidden ? hush() : (listen(), ask())));
addEventListener("pagehide", hush);

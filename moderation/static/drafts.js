// What was typed into a form outlives a session that ended meanwhile: it waits in this tab until somebody signed in.
const NAME = "sent form";
const SECRET = "[name=secret], [autocomplete=one-time-code]";
const TYPED = `textarea, input:is([type=text], [type=url], [type=email], [type=number], [type=date], :not([type])):not(${SECRET})`;
const here = () => location.pathname + location.search;
const nameOf = (field) => `${field.form.getAttribute("action") ?? ""} ${field.name}`;
const save = (form) => sessionStorage.setItem(NAME, JSON.stringify(form));

/** Keep what is typed in each form that is sent, until the next page says what became of it. */
export function keep() {
  document.addEventListener("submit", ({ target }) => {
    if (target.method !== "post" || target.matches("[data-desk]") || target.closest("[data-signs-in]")) return;
    const typed = [...target.querySelectorAll(TYPED)].filter((field) => field.value);
    if (typed.length) save({ path: here(), typed: typed.map((field) => [nameOf(field), field.value]) });
    else sessionStorage.removeItem(NAME);
  });
}

/** On the page for signing in: remember that the form was not taken, and lead back to it. On its page: fill it again. */
export function bringBack() {
  const sent = JSON.parse(sessionStorage.getItem(NAME));
  if (!sent) return;
  if (document.querySelector("[data-signs-in]")) {
    for (const next of document.querySelectorAll("input[name=next]")) next.value ||= sent.path;
    save({ ...sent, lost: true });
  } else if (!sent.lost) {
    sessionStorage.removeItem(NAME); // it was taken, or what was wrong with it stands on this page
  } else if (sent.path === here()) {
    sessionStorage.removeItem(NAME);
    const typed = new Map(sent.typed);
    for (const field of document.querySelectorAll(TYPED)) {
      if (!field.form || !typed.has(nameOf(field))) continue;
      field.value = typed.get(nameOf(field));
      field.closest("details")?.setAttribute("open", "");
    }
    document.querySelector("#kept").hidden = false;
  }
}

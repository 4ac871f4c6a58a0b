// Passkeys: the device's answer goes into a form, which is then sent as any other. Without them nothing is missing.
const FROM_JSON = { create: "parseCreationOptionsFromJSON", get: "parseRequestOptionsFromJSON" };

async function ask(form) {
  const body = new FormData();
  body.set("csrf_token", form.elements.csrf_token.value);
  const answer = await fetch(form.dataset.challenge, { method: "POST", body, credentials: "same-origin" });
  if (!answer.ok) throw new Error(answer.statusText);
  const kind = form.dataset.passkey;
  const publicKey = PublicKeyCredential[FROM_JSON[kind]](await answer.json());
  return JSON.stringify(await navigator.credentials[kind]({ publicKey }));
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.hidden = !window.PublicKeyCredential?.parseRequestOptionsFromJSON;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const problem = document.querySelector("[data-passkey-problem]");
    problem.hidden = true;
    try {
      form.elements.credential.value = await ask(form);
      form.submit();
    } catch {
      problem.hidden = false;
    }
  });
}

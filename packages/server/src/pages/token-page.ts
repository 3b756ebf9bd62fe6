import type { Page } from "./page.ts";

// Plain JavaScript for any browser of the last years. The session is made for one purpose, and ended with it: what
// the command line gets is a key of its own.
const script = `
const form = document.querySelector("form");
const alert = document.querySelector("[role=alert]");
const call = async (path, token, body) => {
  const answer = await fetch("/api/v2" + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(token ? { "Coder-Session-Token": token } : {}) },
    body: JSON.stringify(body ?? {}),
  });
  const read = await answer.json();
  if (!answer.ok) throw new Error([read.message, read.detail].filter(Boolean).join(" "));
  return read;
};
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  alert.textContent = "";
  try {
    const { email, password } = form.elements;
    const session = (await call("/users/login", "", { email: email.value, password: password.value })).session_token;
    const { key } = await call("/users/me/keys", session);
    await call("/users/logout", session);
    document.querySelector("output").textContent = key;
    document.querySelector("section").hidden = false;
    form.hidden = true;
  } catch (error) {
    alert.textContent = error.message;
  }
});
document.querySelector("section button").addEventListener("click", async (event) => {
  getSelection().selectAllChildren(document.querySelector("output"));
  // Browsers copy by themselves on https and localhost only, and when they may; else the text is selected.
  const copied = navigator.clipboard?.writeText(document.querySelector("output").textContent);
  event.target.textContent = await copied?.then(() => "Copied", () => null) ?? "Selected: press Ctrl+C";
});
`;

/** Where `coder login` sends people: they sign in here and take a token along. */
export const tokenPage: Page = {
  title: "Log in to the command line · Slipway",
  body: `<h1>Log in to the command line</h1>
<form method="post">
<label>E-mail <input name="email" type="email" autocomplete="username" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<p role="alert"></p>
<button>Get a token</button>
</form>
<section hidden>
<p>Paste this token into the terminal. It is as good as your password: show it to nobody.</p>
<output></output>
<button type="button">Copy</button>
</section>
<noscript><p>This page needs JavaScript.</p></noscript>`,
  script,
};

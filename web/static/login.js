// A token, from the address's fragment or the form -> the session cookie.

import { byId, session, showTrouble } from "./page.js";

async function logIn(token) {
  const answer = await fetch("/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
  if (answer.ok) {
    location.replace("/");
  } else {
    const { error } = await answer.json();
    showTrouble(`That did not work: ${error}.`);
  }
}

async function attempt(token) {
  try {
    await logIn(token);
  } catch {
    showTrouble("The server cannot be reached. Try again in a moment.");
  }
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(byId("token").value.trim());
});

// A fragment is never sent to a server; taken out of the address at once, it does not stay in the history either.
const token = new URLSearchParams(location.hash.slice(1)).get("token");
if (token) {
  history.replaceState(null, "", location.pathname);
  attempt(token);
} else {
  session().catch(() => {});
}

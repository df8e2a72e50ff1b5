// What every page shares: the session in the header, a state pill, words for numbers and moments.

export const byId = (id) => document.getElementById(id);

export const number = (value) => value.toLocaleString("en-US");

export const clock = (at) => new Date(at).toLocaleTimeString();

export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Show `text` in the pill; state is one of live, waiting, stale, closed. */
export function showState(state, text) {
  const pill = byId("state");
  if (pill.dataset.state === state && pill.textContent === text) return;
  pill.dataset.state = state;
  pill.textContent = text;
}

/** Show a notice, or hide it when `text` is empty. */
export function showTrouble(text) {
  byId("trouble").textContent = text;
  byId("trouble").hidden = !text;
}

/** Return the client that is logged in, or null, and say so in the header. */
export async function session() {
  const who = byId("who");
  const answer = await fetch("/session");
  const { clientId } = answer.ok ? await answer.json() : { clientId: null };
  if (clientId) {
    const leave = element("button", "", "Log out");
    leave.addEventListener("click", logOut);
    who.replaceChildren(element("span", "", clientId), leave);
  } else {
    const enter = element("a", "", "Log in");
    enter.href = "/login";
    who.replaceChildren(enter);
  }
  return clientId;
}

async function logOut() {
  await fetch("/session", { method: "DELETE" });
  location.assign("/");
}

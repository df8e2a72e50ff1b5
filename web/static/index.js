// The client's notifications as they come, the state of the stream, links to the rest.

import { byId, clock, element, number, session, showState, showTrouble } from "./page.js";
import { NotificationStream } from "./stream.js";

const SHOWN = 100;
const BACKLOG_ROWS = 1_000;
const NEW_MS = 60_000;

const STATES = {
  live: () => "Live",
  waiting: () => "Reconnecting…",
  stale: (since) => `No data since ${clock(since)}`,
  closed: () => "Logged out",
};

function add(notification) {
  byId("empty").hidden = true;
  const feed = byId("feed");
  feed.prepend(item(notification));
  while (feed.children.length > SHOWN) feed.lastElementChild.remove();
}

function item(notification) {
  const data = notification.data ?? {};
  const { badge, kind, text } = words(notification.type, data);
  const at = data.at ?? notification.created_at;
  const made = element("li", Date.now() - Date.parse(at) < NEW_MS ? "is-new" : "");
  const time = element("time", "", at ? clock(at) : "");
  time.dateTime = at ?? "";
  made.append(element("span", `badge ${kind}`, badge), element("span", "what", text), time);
  made.append(element("span", "detail", details(data)));
  return made;
}

function words(type, data) {
  const vessel = data.name || data.vesselId || "A vessel";
  if (type === "geofence_alert") {
    const verb = data.event ?? "crossed";
    return { badge: capital(verb), kind: verb, text: `${vessel} ${verb} ${data.geofenceName ?? "a geofence"}` };
  }
  if (type === "destination_change") {
    const before = data.previousDestination || "none";
    return { badge: "Destination", kind: "", text: `${vessel} now heads for ${data.newDestination}, before: ${before}` };
  }
  return { badge: capital(String(type).replaceAll("_", " ")), kind: "", text: vessel };
}

function details(data) {
  const parts = [];
  if (data.vesselIMO) parts.push(`IMO ${data.vesselIMO}`);
  if (data.MMSI) parts.push(`MMSI ${data.MMSI}`);
  if (Number.isFinite(data.lat) && Number.isFinite(data.lon)) parts.push(place(data.lat, data.lon));
  if (data.interpolated) parts.push("between two reports");
  return parts.join(" · ");
}

const place = (lat, lon) =>
  `${Math.abs(lat).toFixed(4)}° ${lat < 0 ? "S" : "N"}, ${Math.abs(lon).toFixed(4)}° ${lon < 0 ? "W" : "E"}`;

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function onState(state, since) {
  showState(state, STATES[state](since));
  showTrouble(state === "closed" ? "Your session has ended. Log in again to go on." : "");
}

async function summary() {
  const answer = await fetch("/api/database/vessel-stats-cached");
  if (answer.ok) byId("activity").textContent = `${number((await answer.json()).activeNow)} vessels active now`;
  const ready = await (await fetch("/readyz")).json();
  byId("ready").textContent = ready.ready ? "This instance is ready" : `Not ready: ${ready.reasons.join("; ")}`;
  return ready.ready;
}

async function begin() {
  const clientId = await session();
  byId("inbox").hidden = !clientId;
  byId("outside").hidden = Boolean(clientId);
  if (clientId) {
    new NotificationStream({ onNotification: add, onState, backlog: BACKLOG_ROWS }).start();
    await summary();
  } else {
    (await summary()) ? showState("live", "Running") : showState("waiting", "Starting");
  }
}

begin().catch(() => showState("waiting", "The server cannot be reached"));

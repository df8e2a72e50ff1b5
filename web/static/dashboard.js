// The statistics, asked for every ten seconds -> cards and bars.

import { byId, clock, element, number, session, showState, showTrouble } from "./page.js";

const REFRESH_MS = 10_000;
const STALE_MS = 60_000;
const SHOWN = 8;
const regions = new Intl.DisplayNames(["en"], { type: "region", fallback: "none" });

let updatedAt = null;

async function refresh() {
  try {
    const answer = await fetch("/api/database/vessel-stats-cached", { signal: AbortSignal.timeout(REFRESH_MS) });
    if (answer.status === 401) return location.assign("/login");
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    show(await answer.json());
  } catch {
    fail();
  }
}

function show(stats) {
  updatedAt = stats.updatedAt;
  for (const id of ["activeNow", "activeLastHour", "activeLast24h", "totalVessels", "positionsLastHour"]) {
    byId(id).textContent = number(stats[id]);
  }
  byId("speedAvg").textContent = `${stats.speedAvg.toFixed(1)} kn`;
  byId("totals").hidden = false;
  bars("vesselTypes", Object.entries(stats.vesselTypes).map(([name, count]) => ({ name, count })));
  bars("topFlags", stats.topFlags.map(({ flag, count }) => ({ name: country(flag), code: flag, count })));
  byId("updatedAt").textContent = clock(updatedAt);
  byId("updatedAt").dateTime = updatedAt;
  byId("stats").className = "";
  byId("stats").ariaBusy = "false";
  showTrouble("");
  const isStale = Date.now() - Date.parse(updatedAt) > STALE_MS;
  isStale ? showState("stale", `No data since ${clock(updatedAt)}`) : showState("live", "Live");
}

function fail() {
  const shown = updatedAt ? `The numbers below are from ${clock(updatedAt)}.` : "";
  showTrouble(`The statistics cannot be read at the moment; trying again every 10 seconds. ${shown}`);
  showState("waiting", "Reconnecting…");
}

function bars(id, rows) {
  const largest = rows.sort((a, b) => b.count - a.count).slice(0, SHOWN);
  const top = Math.max(1, ...largest.map((row) => row.count));
  const items = largest.map((row) => {
    const item = element("li");
    const bar = element("span", "bar");
    bar.style.setProperty("--share", row.count / top);
    const name = element("span", "name", row.name);
    if (row.code && row.code !== row.name) name.append(element("span", "code", row.code));
    item.append(bar, name, element("span", "count", number(row.count)));
    return item;
  });
  byId(id).replaceChildren(...(items.length ? items : [element("li", "none", "No vessels yet")]));
}

function country(flag) {
  try {
    return regions.of(flag) ?? flag;
  } catch {
    return flag;
  }
}

refresh();
setInterval(refresh, REFRESH_MS);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
session().catch(() => {});

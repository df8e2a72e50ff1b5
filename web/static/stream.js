// The WebSocket of the notifications: connects for good, resumes where it was cut, drops what came before.

const PING_MS = 20_000;
const SILENCE_MS = 2.25 * PING_MS;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const IDS_KEPT = 5_000;
// Nobody is behind these codes who could be let in by asking again.
const FINAL_CODES = new Set([4401, 4408]);

export class NotificationStream {
  /** Calls `onNotification(notification)` once for each, `onState(state, since)` with live, waiting, stale or closed. */
  constructor({ onNotification, onState, backlog }) {
    this.onNotification = onNotification;
    this.onState = onState;
    this.backlog = backlog;
    this.cursor = null;
    this.seen = new Set();
    this.waitMs = FIRST_WAIT_MS;
    this.heardAt = Date.now();
  }

  start() {
    this.connect();
    this.watch = setInterval(() => this.checkSilence(), 1_000);
    addEventListener("online", () => this.retryNow());
  }

  connect() {
    this.timer = null;
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws`);
    this.socket = socket;
    socket.addEventListener("message", ({ data }) => this.read(JSON.parse(data)));
    socket.addEventListener("close", ({ code }) => socket === this.socket && this.closed(code));
  }

  read(frame) {
    this.heardAt = Date.now();
    if (frame.type === "hello") {
      // Without a place to go on from, begin some rows back, so that the page is not empty.
      this.cursor ??= Math.max(0, frame.cursor - this.backlog);
      this.say({ type: "resume", cursor: this.cursor });
      this.waitMs = FIRST_WAIT_MS;
      this.onState("live");
    } else if (frame.type === "ping") {
      this.cursor = frame.cursor;
      this.say({ type: "pong" });
    } else if (frame.type === "notification") {
      this.take(frame);
    }
  }

  take({ notification, cursor }) {
    // Given while what was missed is sent, in order. Later a push may overtake others; then pings tell how far it is.
    if (cursor !== undefined) this.cursor = cursor;
    if (this.seen.has(notification.id)) return;
    this.seen.add(notification.id);
    if (this.seen.size > IDS_KEPT) this.seen.delete(this.seen.values().next().value);
    this.onNotification(notification);
  }

  closed(code) {
    if (FINAL_CODES.has(code)) {
      clearInterval(this.watch);
      this.onState("closed");
      return;
    }
    this.onState("waiting", this.heardAt);
    // Spread out, or every page would come back at the same moment after a restart.
    this.timer = setTimeout(() => this.connect(), this.waitMs * (0.5 + Math.random()));
    this.waitMs = Math.min(2 * this.waitMs, LONGEST_WAIT_MS);
  }

  checkSilence() {
    if (Date.now() - this.heardAt < SILENCE_MS) return;
    this.onState("stale", this.heardAt);
    if (this.socket.readyState === WebSocket.OPEN) this.abandon();
  }

  abandon() {
    // Not waiting for the close: on a dead connection it takes minutes.
    const socket = this.socket;
    this.socket = null;
    socket.close();
    this.connect();
  }

  retryNow() {
    if (this.timer === null) return;
    clearTimeout(this.timer);
    this.connect();
  }

  say(frame) {
    this.socket.send(JSON.stringify(frame));
  }
}

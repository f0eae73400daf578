/**
 * What the drop page does, as the text of its one script. It speaks tus 1.0 by itself: create, ask, append, terminate. What is unfinished
 * is remembered in the browser's local storage, by name, size and time of the file, so that choosing the file again after a reload goes
 * on. A few files go at a time, the others wait for their turn. An upload has one loop of requests: pausing ends it, and resuming begins
 * another when it has ended. Names are only ever set as text.
 */
export const DROP_SCRIPT: string = `
"use strict";
const endpoint = location.pathname;
const VERSION = { "Tus-Resumable": "1.0.0" };
const PREFIX = "sluice-upload:";
const WAITS = [500, 1000, 2000, 4000, 8000, 15000];
const MOST_AT_ONCE = 3;
const REASONS = {
  401: "The server wants to know who you are (401)",
  403: "The server does not allow it (403)",
  413: "The file is larger than the server takes (413)",
  503: "The server is busy (503)",
  507: "The server has no room for it (507)",
};
const list = document.getElementById("uploads");
const earlier = document.getElementById("earlier");
const said = document.getElementById("said");

const keyOf = (file) => PREFIX + JSON.stringify([file.name, file.size, file.lastModified]);
const tell = (text) => { said.textContent = text; };

function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 999.5 && unit < units.length - 1) { bytes /= 1000; unit += 1; }
  return (unit === 0 || bytes >= 9.95 ? bytes.toFixed(0) : bytes.toFixed(1)) + " " + units[unit];
}

function element(name, text, attributes) {
  const made = document.createElement(name);
  if (text !== "") made.textContent = text;
  for (const key of Object.keys(attributes || {})) made.setAttribute(key, attributes[key]);
  return made;
}

/** Resolves to the answer, whatever its status; rejects where there is none. */
function ask(method, url, headers, body, started) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const name of Object.keys(headers)) request.setRequestHeader(name, headers[name]);
    request.onload = () => resolve(request);
    request.onerror = () => reject(new Error("The connection broke"));
    request.onabort = () => reject(new Error("stopped"));
    if (started) started(request);
    request.send(body);
  });
}

function failure(message, final) {
  const error = new Error(message);
  error.final = final;
  return error;
}

/** Turns to send: resolves when one is free. Each is given back. */
const queue = [];
let taken = 0;
function takeTurn() {
  if (taken < MOST_AT_ONCE) { taken += 1; return Promise.resolve(); }
  return new Promise((resolve) => queue.push(resolve));
}
function giveTurn() {
  if (queue.length > 0) queue.shift()(); else taken -= 1;
}

/** Where an upload is, by the file's key; what the server has given up since is forgotten. */
function recall(key) {
  const [url, expires] = JSON.parse(localStorage.getItem(key) || "[null, null]");
  if (url === null || expires === null || expires > Date.now()) return url;
  localStorage.removeItem(key);
  return null;
}

class Upload {
  constructor(file) {
    this.file = file;
    this.key = keyOf(file);
    this.url = recall(this.key);
    this.offset = 0;
    this.loop = Promise.resolve();
    this.show();
    this.start();
  }

  show() {
    const { file } = this;
    this.row = element("li", "");
    const id = "upload-" + (Upload.count = (Upload.count || 0) + 1);
    const name = element("span", file.name, { class: "name", id });
    this.bar = element("progress", "", { max: String(Math.max(1, file.size)), value: "0", "aria-labelledby": id });
    this.figures = element("span", "", { class: "figures" });
    this.pause = element("button", "Pause", { type: "button", "aria-describedby": id });
    this.remove = element("button", "Cancel", { type: "button", "aria-describedby": id });
    this.pause.onclick = () => (this.state === "running" ? this.stop() : this.start());
    this.remove.onclick = () => this.cancel();
    const buttons = element("span", "", { class: "buttons" });
    buttons.append(this.pause, this.remove);
    this.row.append(name, this.bar, this.figures, buttons);
    list.prepend(this.row);
  }

  paint(sent, text) {
    this.bar.value = this.file.size === 0 ? 1 : sent;
    this.figures.textContent = text || size(sent) + " of " + size(this.file.size);
  }

  start() {
    this.state = "running";
    this.row.classList.remove("failed");
    this.pause.textContent = "Pause";
    const turn = {};
    this.turn = turn;
    this.loop = this.loop.then(() => this.run(() => this.turn === turn && this.state === "running"));
  }

  /** Ends the loop, whatever it waits for. */
  halt(state) {
    this.state = state;
    if (this.request) this.request.abort();
    if (this.wake) this.wake();
  }

  async stop() {
    this.halt("paused");
    this.pause.textContent = "Resume";
    this.paint(this.offset, "Paused");
    await this.loop;
    // What was under way has come as far as the server says.
    if (this.url) await this.find(() => this.state === "paused").catch(() => undefined);
    if (this.state === "paused") this.paint(this.offset, "Paused at " + size(this.offset) + " of " + size(this.file.size));
  }

  async cancel() {
    this.halt("cancelled");
    localStorage.removeItem(this.key);
    this.row.remove();
    picker.focus();
    tell("Cancelled " + this.file.name);
    await this.loop;
    if (this.url) await ask("DELETE", this.url, VERSION).catch(() => undefined);
  }

  /** "wanted" says whether it is to go on. */
  async run(wanted) {
    for (let failures = 0; wanted(); ) {
      const before = this.offset;
      if (taken >= MOST_AT_ONCE) this.paint(this.offset, "Waiting for its turn");
      await takeTurn();
      try {
        if (wanted() && (await this.advance(wanted))) return this.done();
        failures = 0;
      } catch (error) {
        if (!wanted()) return;
        if (error.final) return this.fail(error.message);
        if (this.offset > before) failures = 0;
        this.paint(this.offset, error.message + "; trying again");
        failures += 1;
      } finally {
        giveTurn();
      }
      if (failures > 0) await this.sleep(WAITS[Math.min(failures, WAITS.length) - 1]);
    }
  }

  sleep(ms) {
    return new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, ms);
    });
  }

  /** Asks how much is there, and sends the rest. True when that was all. */
  async advance(wanted) {
    const { file } = this;
    if (!this.url) await this.create();
    else if (!(await this.find(wanted))) return false;
    if (!wanted()) return false;
    if (this.offset === file.size) return true;
    await file.slice(0, 1).arrayBuffer().catch(() => { throw failure("This cannot be read: a folder, or a file that has gone", true); });
    if (!wanted()) return false;
    const start = this.offset;
    const headers = { ...VERSION, "Upload-Offset": String(start), "Content-Type": "application/offset+octet-stream" };
    const answer = await ask("PATCH", this.url, headers, file.slice(start), (request) => {
      this.request = request;
      request.upload.onprogress = (event) => { if (wanted()) this.paint(start + event.loaded); };
    }).finally(() => { this.request = undefined; });
    this.requireOk(answer, [204]);
    this.offset = Number(answer.getResponseHeader("Upload-Offset"));
    return this.offset === file.size;
  }

  /** Asks how much is there. False if the server has no such upload any more. */
  async find(wanted) {
    const answer = await ask("HEAD", this.url, VERSION);
    if (!wanted()) return false;
    if (answer.status === 404 || answer.status === 410) {
      localStorage.removeItem(this.key);
      this.url = null;
      this.offset = 0;
      return false;
    }
    this.requireOk(answer, [200, 204]);
    this.offset = Number(answer.getResponseHeader("Upload-Offset"));
    return true;
  }

  async create() {
    const { file } = this;
    const bytes = new TextEncoder().encode(file.name);
    const encoded = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
    const headers = { ...VERSION, "Upload-Length": String(file.size), "Upload-Metadata": "filename " + encoded };
    const answer = await ask("POST", endpoint, headers);
    this.requireOk(answer, [201]);
    this.url = new URL(answer.getResponseHeader("Location"), location.href).pathname;
    this.offset = 0;
    // By the server's clock, so that it does not matter what ours says.
    const [expires, now] = ["Upload-Expires", "Date"].map((name) => Date.parse(answer.getResponseHeader(name)));
    const until = Number.isNaN(expires - now) ? null : Date.now() + expires - now;
    if (file.size > 0) localStorage.setItem(this.key, JSON.stringify([this.url, until]));
  }

  requireOk(answer, expected) {
    if (expected.includes(answer.status)) return;
    const { status } = answer;
    const final = status === 507 || (status >= 400 && status < 500 && ![408, 409, 423, 425, 429, 460].includes(status));
    throw failure(REASONS[status] || "The server answered " + status, final);
  }

  done() {
    this.state = "done";
    localStorage.removeItem(this.key);
    this.paint(this.file.size, size(this.file.size) + ", done");
    this.row.classList.add("done");
    this.pause.remove();
    this.remove.remove();
    tell("Done: " + this.file.name);
  }

  fail(message) {
    this.state = "failed";
    this.row.classList.add("failed");
    this.pause.textContent = "Try again";
    this.paint(this.offset, message);
    tell(this.file.name + ": " + message);
  }
}

/** What was begun before the page was loaded: a page cannot open files by itself. */
const begun = new Map();
function listEarlier() {
  for (const key of Object.keys(localStorage)) {
    const url = key.startsWith(PREFIX) ? recall(key) : null;
    if (url === null) continue;
    const [name, bytes] = JSON.parse(key.slice(PREFIX.length));
    const row = element("li", "");
    const id = "earlier-" + begun.size;
    const remove = element("button", "Cancel", { type: "button", "aria-describedby": id });
    remove.onclick = () => {
      localStorage.removeItem(key);
      drop(key);
      picker.focus();
      tell("Cancelled " + name);
      ask("DELETE", url, VERSION).catch(() => undefined);
    };
    row.append(element("span", name, { class: "name", id }), element("span", size(bytes), { class: "figures" }), remove);
    begun.set(key, row);
    document.getElementById("earlier-names").append(row);
  }
  earlier.hidden = begun.size === 0;
}

function drop(key) {
  if (begun.has(key)) begun.get(key).remove();
  begun.delete(key);
  earlier.hidden = begun.size === 0;
}

const uploads = [];
function take(files) {
  for (const file of files) {
    const key = keyOf(file);
    const same = uploads.find((upload) => upload.key === key && ["running", "paused", "failed"].includes(upload.state));
    if (same) { if (same.state !== "running") same.start(); }
    else uploads.push(new Upload(file));
    drop(key);
  }
}

const picker = document.getElementById("picker");
const zone = document.getElementById("zone");
picker.onchange = () => { take(picker.files); picker.value = ""; };
zone.ondragover = (event) => { event.preventDefault(); zone.classList.add("over"); };
zone.ondragleave = () => zone.classList.remove("over");
zone.ondrop = (event) => { event.preventDefault(); zone.classList.remove("over"); take(event.dataTransfer.files); };
document.ondragover = document.ondrop = (event) => event.preventDefault();
window.onbeforeunload = (event) => { if (uploads.some((upload) => upload.state === "running")) event.preventDefault(); };
listEarlier();
`;

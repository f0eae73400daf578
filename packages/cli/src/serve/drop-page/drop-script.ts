/**
 * What the drop page does, as the text of its one script. It speaks tus 1.0 by itself: create, ask, append, terminate. What is unfinished
 * is remembered in the browser's local storage, by name, size and time of the file, so that choosing the file again after a reload goes
 * on. Names are only ever set as text.
 */
export const DROP_SCRIPT: string = `
"use strict";
const endpoint = location.pathname;
const VERSION = { "Tus-Resumable": "1.0.0" };
const PREFIX = "sluice-upload:";
const WAITS = [500, 1000, 2000, 4000, 8000, 15000];
const list = document.getElementById("uploads");
const earlier = document.getElementById("earlier");
const said = document.getElementById("said");

const keyOf = (file) => PREFIX + JSON.stringify([file.name, file.size, file.lastModified]);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
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

class Upload {
  constructor(file) {
    this.file = file;
    this.key = keyOf(file);
    this.url = localStorage.getItem(this.key);
    this.state = "running";
    this.offset = 0;
    this.show();
    this.run();
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
    this.pause.onclick = () => (this.state === "running" ? this.stop() : this.resume());
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

  stop() {
    this.state = "paused";
    this.pause.textContent = "Resume";
    if (this.request) this.request.abort();
    this.paint(this.offset, "Paused at " + size(this.offset));
  }

  resume() {
    this.state = "running";
    this.pause.textContent = "Pause";
    this.run();
  }

  async cancel() {
    this.state = "cancelled";
    if (this.request) this.request.abort();
    localStorage.removeItem(this.key);
    this.row.remove();
    tell("Cancelled " + this.file.name);
    if (this.url) await ask("DELETE", this.url, VERSION).catch(() => undefined);
  }

  async run() {
    for (let failures = 0; this.state === "running"; ) {
      const before = this.offset;
      try {
        if (await this.advance()) return this.done();
      } catch (error) {
        if (this.state !== "running") return;
        if (error.final) return this.fail(error.message);
        if (this.offset > before) failures = 0;
        const wait = WAITS[Math.min(failures, WAITS.length - 1)];
        failures += 1;
        this.paint(this.offset, error.message + "; trying again");
        await sleep(wait);
      }
    }
  }

  /** Asks how much is there, and sends the rest. True when that was all. */
  async advance() {
    const { file } = this;
    if (!this.url) await this.create();
    else {
      const answer = await ask("HEAD", this.url, VERSION);
      if (answer.status === 404 || answer.status === 410) {
        localStorage.removeItem(this.key);
        this.url = null;
        return false;
      }
      this.requireOk(answer, [200, 204]);
      this.offset = Number(answer.getResponseHeader("Upload-Offset"));
    }
    if (this.state !== "running") return false;
    if (this.offset === file.size) return true;
    const start = this.offset;
    const headers = { ...VERSION, "Upload-Offset": String(start), "Content-Type": "application/offset+octet-stream" };
    const answer = await ask("PATCH", this.url, headers, file.slice(start), (request) => {
      this.request = request;
      request.upload.onprogress = (event) => this.paint(start + event.loaded);
    });
    this.request = undefined;
    this.requireOk(answer, [204]);
    this.offset = Number(answer.getResponseHeader("Upload-Offset"));
    return this.offset === file.size;
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
    if (file.size > 0) localStorage.setItem(this.key, this.url);
  }

  requireOk(answer, expected) {
    if (expected.includes(answer.status)) return;
    const error = new Error("The server answered " + answer.status);
    error.final = answer.status >= 400 && answer.status < 500 && ![408, 409, 423, 429, 460].includes(answer.status);
    error.final = error.final || answer.status === 507;
    throw error;
  }

  done() {
    this.state = "done";
    localStorage.removeItem(this.key);
    this.paint(this.file.size, size(this.file.size) + ", done");
    this.row.classList.add("done");
    this.pause.remove();
    this.remove.remove();
    tell("Done: " + this.file.name);
    showEarlier();
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
function showEarlier() {
  const running = new Set(uploads.map((upload) => upload.key));
  const names = Object.keys(localStorage)
    .filter((key) => key.startsWith(PREFIX) && !running.has(key))
    .map((key) => JSON.parse(key.slice(PREFIX.length))[0]);
  earlier.hidden = names.length === 0;
  document.getElementById("earlier-names").replaceChildren(...names.map((name) => element("li", name)));
}

const uploads = [];
function take(files) {
  for (const file of files) {
    const key = keyOf(file);
    const same = uploads.find((upload) => upload.key === key && ["running", "paused", "failed"].includes(upload.state));
    if (same) { if (same.state !== "running") same.resume(); }
    else uploads.push(new Upload(file));
  }
  showEarlier();
}

const picker = document.getElementById("picker");
const zone = document.getElementById("zone");
picker.onchange = () => { take(picker.files); picker.value = ""; };
zone.ondragover = (event) => { event.preventDefault(); zone.classList.add("over"); };
zone.ondragleave = () => zone.classList.remove("over");
zone.ondrop = (event) => { event.preventDefault(); zone.classList.remove("over"); take(event.dataTransfer.files); };
document.ondragover = document.ondrop = (event) => event.preventDefault();
window.onbeforeunload = (event) => { if (uploads.some((upload) => upload.state === "running")) event.preventDefault(); };
showEarlier();
`;

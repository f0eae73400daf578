/**
 * The dashboard's page. What comes is kept, bounded, at once; it is drawn when the browser next paints, so a tab that nobody sees draws nothing and
 * one that is slow draws less often, always the newest state.
 */
import { PushClient, type PushMessage } from "/push/client.js";
import type { Sample } from "../../src/dashboard/sample.js";
import { element } from "../shared/element.js";
import { ChartCard } from "./chart-card.js";
import { History, MOST_SAMPLES } from "./history.js";

const MEGABYTES = 1 / 1e6;
/** For who prefers less motion the curves move so seldom. */
const CALM_MS = 5_000;

const cards = [
  new ChartCard({
    title: "Requests per second",
    unit: "/s",
    series: [
      { name: "requests", label: "all" },
      { name: "failures", label: "failed" },
    ],
    scale: 1,
    isCount: true,
    least: 10,
  }),
  new ChartCard({
    title: "Time to answer",
    unit: "ms",
    series: [
      { name: "p50", label: "median" },
      { name: "p95", label: "95 %" },
      { name: "p99", label: "99 %" },
    ],
    scale: 1,
    isCount: false,
    least: 10,
  }),
  new ChartCard({
    title: "Delay of the event loop",
    unit: "ms",
    series: [
      { name: "delayMean", label: "mean" },
      { name: "delayMax", label: "longest" },
    ],
    scale: 1,
    isCount: false,
    least: 5,
  }),
  new ChartCard({
    title: "Memory",
    unit: "MB",
    series: [
      { name: "rss", label: "process" },
      { name: "heap", label: "heap in use" },
    ],
    scale: MEGABYTES,
    isCount: true,
    least: 50,
  }),
  new ChartCard({
    title: "Sockets",
    unit: "",
    series: [
      { name: "connections", label: "connections" },
      { name: "watchers", label: "watching" },
    ],
    scale: 1,
    isCount: true,
    least: 5,
  }),
];
element("#charts", HTMLElement).append(...cards.map((card) => card.element));

const connection = element("#connection", HTMLElement);
const range = element("#range", HTMLSelectElement);
const pause = element("#pause", HTMLButtonElement);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const dark = matchMedia("(prefers-color-scheme: dark)");

const history = new History();
let isPaused = false;
let isDrawing = false;
let isFilling = false;
let drawnAt = Number.NEGATIVE_INFINITY;

const push = new PushClient("/push", { eventsUrl: "/push/events" });
const room = push.join<Sample>("metrics", { history: 100 });
let last: PushMessage<Sample> | undefined;

room.on("message", (message) => {
  // A page that was slow has only been given the newest: the room still has the others.
  if (last !== undefined && (last.epoch !== message.epoch || message.offset > last.offset + 1)) void fill();
  last = message;
  history.add([message.data]);
  soon();
});
room.on("joined", ({ recovered }) => recovered === undefined && void fill());
push.on("state", ({ state, retryIn }) => {
  connection.dataset["state"] = state;
  const seconds = Math.ceil((retryIn ?? 0) / 1_000);
  const words = {
    connecting: "Connecting …",
    open: "Live",
    waiting: `Connection lost, next try in ${seconds} s`,
    closed: "Disconnected",
  };
  connection.textContent = words[state];
});

/** As far back as the room goes, a page at a time. One at a time, too: a page that is slow is not to become slower by it. */
async function fill(): Promise<void> {
  if (isFilling) return;
  isFilling = true;
  try {
    let before: number | undefined;
    for (let more = true, count = 0; more && count < MOST_SAMPLES; ) {
      const page = await room.history(before === undefined ? {} : { before });
      history.add(page.messages.map(({ data }) => data));
      count += page.messages.length;
      more = page.more;
      before = page.messages[0]?.offset;
      if (before === undefined) break;
    }
  } finally {
    isFilling = false;
  }
  soon();
}

function soon(): void {
  if (isPaused || isDrawing || (calm.matches && performance.now() - drawnAt < CALM_MS)) return;
  isDrawing = true;
  requestAnimationFrame(draw);
}

function draw(): void {
  isDrawing = false;
  drawnAt = performance.now();
  for (const card of cards) card.draw(history, Number(range.value));
  document.body.dataset["samples"] = String(history.size);
}

range.addEventListener("change", draw);
pause.addEventListener("click", () => {
  isPaused = !isPaused;
  pause.ariaPressed = String(isPaused);
  if (!isPaused) draw();
});
dark.addEventListener("change", () => {
  for (const card of cards) card.repaint();
  draw();
});

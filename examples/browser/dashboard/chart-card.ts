/** One card: the newest figures, the curve for eyes, and the same as a table for everybody. */
import uPlot from "/uplot.js";
import type { Sample } from "../../src/dashboard/sample.js";
import { create } from "../shared/element.js";
import type { History } from "./history.js";

/** What a card shows. */
export interface ChartPlan {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly { readonly name: keyof Sample; readonly label: string }[];
  /** From what is in a sample to what is shown. */
  readonly scale: number;
  /** There are no parts of it. */
  readonly isCount: boolean;
  /** The least that the axis reaches to, so that noise does not look like mountains. */
  readonly least: number;
}

const TABLE_ROWS = 15;
const LEAST_SECONDS = 30;
/** Between two lines of a scale that has no parts. */
const WHOLE_STEPS = [1, 2, 5]
  .flatMap((step) => [1, 10, 100, 1_000, 10_000].map((times) => step * times))
  .sort((a, b) => a - b);
const DASHES = [[], [6, 4], [2, 3]];
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle: "h23" });

export class ChartCard {
  readonly element = create("section", "card");
  readonly #plan: ChartPlan;
  readonly #figures: Text[] = [];
  readonly #plot = create("div", "plot");
  readonly #rows = document.createElement("tbody");
  #chart: uPlot | undefined;

  constructor(plan: ChartPlan) {
    this.#plan = plan;
    const title = create("h2", "", plan.title);
    title.id = `title-${plan.series[0]?.name}`;
    this.element.setAttribute("aria-labelledby", title.id);
    // What the curve says is said by the figures and the table.
    this.#plot.ariaHidden = "true";
    this.element.append(title, this.#figureList(), this.#plot, this.#table());
    new ResizeObserver(() => this.#chart?.setSize(this.#size())).observe(this.#plot);
  }

  /** Shows the last `seconds`. */
  draw(history: History, seconds: number): void {
    this.#chart ??= this.#newChart();
    const { series, scale } = this.#plan;
    const [times, ...columns] = history.columns(series.map(({ name }) => name));
    const scaled = columns.map((column) => column.map((value) => (value === null ? null : value * scale)));
    this.#chart.setData([times, ...scaled], false);
    const end = times.at(-1) ?? Date.now() / 1_000;
    // A young history fills the chart, as far as that is no lie about its pace.
    const start = Math.min(times[0] ?? end, end - LEAST_SECONDS);
    this.#chart.setScale("x", { min: Math.max(end - seconds, start), max: end });
    for (const [index, { name }] of series.entries()) {
      const figure = this.#figures[index];
      if (figure !== undefined) figure.data = this.#format(history.newest?.[name]);
    }
    this.#rows.replaceChildren(...history.latest(TABLE_ROWS).map((sample) => this.#row(sample)));
  }

  /** In other colours from now on. */
  repaint(): void {
    this.#chart?.destroy();
    this.#chart = undefined;
  }

  #format(value: number | null | undefined): string {
    const { scale, isCount } = this.#plan;
    if (value === null || value === undefined) return "–";
    const digits = isCount || value >= 100 ? 0 : value >= 10 ? 1 : 2;
    return (value * scale).toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }

  #figureList(): HTMLElement {
    const list = create("dl", "figures");
    for (const [index, { label }] of this.#plan.series.entries()) {
      const figure = document.createTextNode("–");
      const value = document.createElement("dd");
      value.append(figure, create("small", "", ` ${this.#plan.unit}`));
      const pair = create("div", `series-${index}`);
      pair.append(create("dt", "", label), value);
      this.#figures.push(figure);
      list.append(pair);
    }
    return list;
  }

  #table(): HTMLElement {
    const { title, series, unit } = this.#plan;
    const table = document.createElement("table");
    const caption = document.createElement("caption");
    caption.className = "visually-hidden";
    caption.textContent = `${title}, the last ${TABLE_ROWS} samples, newest first`;
    const head = document.createElement("tr");
    head.append(
      headCell("Time", "col"),
      ...series.map(({ label }) => headCell(unit === "" ? label : `${label}, ${unit}`, "col")),
    );
    const top = document.createElement("thead");
    top.append(head);
    table.append(caption, top, this.#rows);
    const scroller = create("div", "table");
    scroller.tabIndex = 0;
    scroller.setAttribute("role", "region");
    scroller.ariaLabel = `${title}, table`;
    scroller.append(table);
    const details = document.createElement("details");
    details.append(create("summary", "", "As a table"), scroller);
    return details;
  }

  #row(sample: Sample): HTMLElement {
    const row = document.createElement("tr");
    row.append(headCell(clock.format(sample.at), "row"));
    for (const { name } of this.#plan.series) row.append(create("td", "", this.#format(sample[name])));
    return row;
  }

  #size(): { width: number; height: number } {
    return { width: this.#plot.clientWidth, height: this.#plot.clientHeight };
  }

  #newChart(): uPlot {
    const style = getComputedStyle(this.#plot);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const strokes = ["--first", "--second", "--third"].map(colour);
    const axis: uPlot.Axis = {
      stroke: colour("--ink-soft"),
      grid: { stroke: colour("--grid"), width: 1 },
      ticks: { show: false },
      font: `12px ${style.fontFamily}`,
    };
    const { series, least, isCount } = this.#plan;
    const options: uPlot.Options = {
      ...this.#size(),
      legend: { show: false },
      cursor: { show: false },
      padding: [8, 28, 0, 0],
      scales: { y: { range: (_chart, _low, high) => [0, Math.max(least, (high ?? 0) * 1.1)] } },
      axes: [
        { ...axis, space: 90, size: 30, values: (_chart, ticks) => ticks.map((tick) => clock.format(tick * 1_000)) },
        { ...axis, size: 48, space: 32, ...(isCount && { incrs: WHOLE_STEPS }) },
      ],
      series: [
        {},
        ...series.map((_, index) => ({
          stroke: strokes[index] ?? "",
          width: 2,
          dash: DASHES[index] ?? [],
          points: { show: false },
          ...(index === 0 && { fill: `${strokes[0]}1f` }),
        })),
      ],
    };
    return new uPlot(options, undefined, this.#plot);
  }
}

function headCell(text: string, scope: "col" | "row"): HTMLElement {
  const cell = document.createElement("th");
  cell.scope = scope;
  cell.textContent = text;
  return cell;
}

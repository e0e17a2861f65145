import { count } from "../units.ts";
import { shortBytes } from "./report.ts";
import { isMeasured, type Measured, type Outcome } from "./measure/measured.ts";

/** What is used of echarts; its own types are left to those who have it. */
interface Charts {
  init(
    element: null,
    theme: null,
    options: { renderer: "svg"; ssr: true; width: number; height: number },
  ): Chart;
}

interface Chart {
  setOption(option: object): void;
  renderToSVGString(): string;
  dispose(): void;
}

/** A picture, and what it shows. */
export interface Plot {
  readonly title: string;
  readonly svg: string;
}

const width = 860;
const rowHeight = 34;
const margins = 110;
/** Told apart by who sees no red and green too (after Okabe and Ito), on white and on black. */
const colours = ["#2088d0", "#e69f00", "#d177ab", "#00a67c"];
const symbols = ["circle", "diamond", "triangle", "rect"];
const font = "system-ui, sans-serif";
/** Words have the colour of the page, be it light or dark. */
const words = "currentColor";
const lines = "#8888";

/** Draws the figures; undefined where the library that draws is not installed. */
export async function plotsOf(outcomes: readonly Outcome[]): Promise<readonly Plot[] | undefined> {
  const charts = await library();
  if (charts === undefined) return undefined;
  const measured = outcomes.filter(isMeasured);
  const answering = measured.filter(({ call }) => call !== undefined);
  const draw = (title: string, rows: number, option: object): Plot => {
    const height = rows * rowHeight + margins;
    const chart = charts.init(null, null, { renderer: "svg", ssr: true, width, height });
    try {
      chart.setOption({ ...shared, ...option });
      return { title, svg: chart.renderToSVGString() };
    } finally {
      chart.dispose();
    }
  };
  const sent = measured.filter(({ oneWay }) => oneWay !== undefined);
  const plots: Plot[] = [];
  if (answering.length > 0)
    plots.push(
      draw("One call of 64 B at a time, µs", answering.length, latencyOption(answering)),
      draw("Calls a second, by size", answering.length, rateOption(answering)),
      draw("CPU of both sides for one call of 64 B, µs", answering.length, cpuOption(answering)),
    );
  if (sent.length > 0)
    plots.push(
      draw("A notification or message there and back, µs", sent.length, roundOption(sent)),
    );
  return plots;
}

/** The command that draws what was measured, for who has nothing that draws. */
export function drawing(report = "report.json"): string {
  return `npx -p trunkline -p echarts trunkline doctor --from ${report}`;
}

/** An optional peer: most who run the doctor want the tables. */
async function library(): Promise<Charts | undefined> {
  const name = "echarts";
  try {
    return (await import(name)) as Charts;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

const shared = {
  animation: false,
  color: colours,
  textStyle: { fontFamily: font, color: words },
  // Nobody measures words without a browser: they get more room than they need.
  legend: { top: 0, itemGap: 36, textStyle: { color: words } },
  grid: { left: 110, right: 60, top: 40, bottom: 40 },
};

function axis(type: "log" | "value", more: object = {}): object {
  const ticks = { formatter: (value: number) => count(value), color: words, hideOverlap: true };
  const split = { splitLine: { lineStyle: { color: lines } } };
  return { type, axisLabel: ticks, axisLine: { lineStyle: { color: lines } }, ...split, ...more };
}

/** A line for each mechanism, from the top in the order of the report. */
function byName(measured: readonly Measured[]): object {
  return {
    type: "category",
    inverse: true,
    data: measured.map(({ name }) => name),
    axisLabel: { color: words, interval: 0 },
    axisLine: { lineStyle: { color: lines } },
    axisTick: { show: false },
    splitLine: { show: true, lineStyle: { color: lines, type: "dotted" } },
  };
}

/** Points on the line of each mechanism; those that it has not are left out. */
function dots(
  measured: readonly Measured[],
  series: Readonly<Record<string, (of: Measured) => number | undefined>>,
): object {
  return {
    xAxis: axis("log"),
    yAxis: byName(measured),
    series: Object.entries(series).map(([name, value], index) => ({
      name,
      type: "scatter",
      symbol: symbols[index],
      symbolSize: 11,
      itemStyle: { opacity: 1 },
      data: measured.flatMap((each) => {
        const at = value(each);
        // A logarithm has no zero.
        return at === undefined || at <= 0 ? [] : [[rounded(at), each.name]];
      }),
    })),
  };
}

function latencyOption(measured: readonly Measured[]): object {
  return dots(measured, {
    p50: ({ call }) => call?.p50Us,
    p99: ({ call }) => call?.p99Us,
    "p99.9": ({ call }) => call?.p999Us,
    longest: ({ call }) => call?.maxUs,
  });
}

function roundOption(measured: readonly Measured[]): object {
  return dots(measured, {
    p50: ({ oneWay }) => oneWay?.roundTrip.p50Us,
    p99: ({ oneWay }) => oneWay?.roundTrip.p99Us,
    "p99.9": ({ oneWay }) => oneWay?.roundTrip.p999Us,
  });
}

function rateOption(measured: readonly Measured[]): object {
  const sizes = measured[0]?.sizes ?? [];
  return dots(
    measured,
    Object.fromEntries(
      sizes.map((size, index) => [
        `${shortBytes(size.bytes)}, ${size.inFlight} in flight`,
        (of: Measured) => of.sizes?.[index]?.perSecond,
      ]),
    ),
  );
}

function cpuOption(measured: readonly Measured[]): object {
  const bars = (name: string, of: (each: Measured) => number | undefined): object => ({
    name,
    type: "bar",
    label: { show: true, position: "right", color: words },
    data: measured.map((each) => rounded(of(each) ?? 0)),
  });
  return {
    xAxis: axis("value"),
    yAxis: byName(measured),
    series: [
      bars("one at a time", ({ call }) => call?.cpuUsEach),
      bars("64 in flight", ({ sizes }) => sizes?.[0]?.cpuUsEach),
    ],
  };
}

function rounded(value: number): number {
  return value >= 100 ? Math.round(value) : Math.round(value * 10) / 10;
}

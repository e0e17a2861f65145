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
/** Told apart by who sees no red and green too (Okabe and Ito). */
const colours = ["#0072b2", "#e69f00", "#cc79a7", "#009e73", "#d55e00", "#56b4e9", "#999999"];
const font = "system-ui, sans-serif";

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
  if (answering.length === 0) return [];
  return [
    draw("One call of 64 B: p50, p99 and p99.9 in µs", answering.length, latencyOption(answering)),
    draw("Calls a second by size", 10, rateOption(answering)),
    draw("CPU of both sides for one call of 64 B, in µs", answering.length, cpuOption(answering)),
  ];
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
  textStyle: { fontFamily: font },
  legend: { top: 0 },
  grid: { left: 110, right: 40, top: 40, bottom: 40 },
};

function byName(measured: readonly Measured[]): object {
  return { type: "category", inverse: true, data: measured.map(({ name }) => name) };
}

function latencyOption(measured: readonly Measured[]): object {
  const points = (of: "p50Us" | "p99Us" | "p999Us", symbol: string): object => ({
    name: { p50Us: "p50", p99Us: "p99", p999Us: "p99.9" }[of],
    type: "scatter",
    symbol,
    symbolSize: 11,
    data: measured.map(({ name, call }) => [rounded(call![of]), name]),
  });
  return {
    xAxis: { type: "log", name: "µs", minorSplitLine: { show: true } },
    yAxis: { ...byName(measured), splitLine: { show: true } },
    series: [points("p50Us", "circle"), points("p99Us", "diamond"), points("p999Us", "triangle")],
  };
}

function rateOption(measured: readonly Measured[]): object {
  return {
    grid: { left: 80, right: 40, top: 70, bottom: 40 },
    xAxis: { type: "category", data: ["64 B", "4 KiB", "64 KiB", "1 MiB"] },
    yAxis: { type: "log", name: "a second" },
    series: measured.map(({ name, sizes = [] }, index) => ({
      name,
      type: "line",
      // With more lines than colours, the dashes tell.
      lineStyle: { type: index < colours.length ? "solid" : "dashed" },
      data: sizes.map(({ perSecond }) => rounded(perSecond)),
    })),
  };
}

function cpuOption(measured: readonly Measured[]): object {
  const bars = (name: string, of: (each: Measured) => number): object => ({
    name,
    type: "bar",
    label: { show: true, position: "right" },
    data: measured.map((each) => rounded(of(each))),
  });
  return {
    xAxis: { type: "value", name: "µs" },
    yAxis: byName(measured),
    series: [
      bars("one at a time", ({ call }) => call!.cpuUsEach),
      bars("64 in flight", ({ sizes }) => sizes?.[0]?.cpuUsEach ?? 0),
    ],
  };
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

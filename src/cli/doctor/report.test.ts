import { deepEqual, doesNotMatch, equal, match, throws } from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { htmlOf } from "./html.ts";
import { markdownOf } from "./markdown.ts";
import type { Outcome } from "./measure/measured.ts";
import { plotsOf } from "./plots.ts";
import { recommend, type Need } from "./recommend.ts";
import type { Measurement } from "./report.ts";
import { readSaved } from "./saved.ts";

const need: Need = {
  sizeBytes: 4_096,
  rate: 20_000,
  pattern: "call",
  durable: false,
  trust: "same-user",
  related: false,
};

const round = { p50Us: 12.3, p99Us: 45.6, p999Us: 789, maxUs: 4_321, samples: 1_000 };
const rate = { perSecond: 123_456, cpuUsEach: 7.8 };
const outcomes: readonly Outcome[] = [
  {
    name: "unix",
    forMs: 900,
    call: { ...round, cpuUsEach: 30 },
    sizes: [{ bytes: 64, inFlight: 64, ...rate }],
    stream: rate,
    oneWay: { roundTrip: round, lost: 3, ...rate },
    idleCpuMs: 0.25,
  },
  { name: "mq", reason: "queues | are <off>" },
];

function measurement(of: readonly Outcome[]): Measurement {
  const machine = {
    system: "linux 6.12 on x64",
    node: "26.1.0",
    processor: "A & B",
    cores: 2,
    load: 5,
    addon: true,
  };
  return { machine, outcomes: of, need, advice: recommend(need, of) };
}

test("the report in Markdown has what was measured, and says that others were at work", () => {
  const text = markdownOf(measurement(outcomes));
  match(text, /\| unix \| 12\.3 \| 45\.6 \| 789 \| 4,321 \| 30\.0 \| 0\.25 \|/);
  match(text, /\| unix \| 123,456 \| 7\.8 \|/);
  match(text, /a load of 5\.0: others were at work/);
  match(text, /\| mq \| queues \\\| are <off> \|/);
});

test("the page needs nothing else and takes no text for markup", () => {
  const page = htmlOf(measurement(outcomes), [{ title: "1 < 2", svg: "<svg></svg>" }]);
  match(page, /^<!doctype html>/);
  match(page, /A &amp; B/);
  match(page, /queues \| are &lt;off&gt;/);
  match(page, /<figcaption>1 &lt; 2<\/figcaption><svg><\/svg>/);
  doesNotMatch(page, /<script|<link|src=/);
});

test("a page without pictures says how to get them", () => {
  match(htmlOf(measurement(outcomes), undefined), /-p echarts trunkline doctor --from/);
});

test("nothing that was measured gives a report that says why", () => {
  const text = markdownOf(measurement([{ name: "unix", reason: "refused" }]));
  match(text, /## Not measured/);
  doesNotMatch(text, /## One call|NaN|Infinity/);
});

test("figures are drawn as SVG", async () => {
  const plots = await plotsOf(outcomes);
  equal(plots?.length, 4);
  for (const { svg } of plots) {
    match(svg, /^<svg [\s\S]*unix/);
    // Words and lines have the colours of the page, which may be dark.
    doesNotMatch(svg, /NaN|Infinity|fill="#[0-5]..["0-5]/);
  }
});

test("what was measured is read again as it was written, and nothing else is taken for it", () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  try {
    const path = join(folder, "report.json");
    const { machine } = measurement(outcomes);
    writeFileSync(path, JSON.stringify({ ok: true, machine, outcomes, advice: [] }));
    deepEqual(readSaved(path).outcomes, outcomes);
    for (const other of ["", "{", "[]", '{"machine":{},"outcomes":[]}']) {
      writeFileSync(path, other);
      throws(() => readSaved(path), /is no report/);
    }
    const [first] = outcomes;
    for (const wrong of [{ call: {} }, { sizes: [{}] }, { stream: 1 }, { oneWay: rate }]) {
      writeFileSync(path, JSON.stringify({ machine, outcomes: [{ ...first, ...wrong }] }));
      throws(() => readSaved(path), /is no report/);
    }
    throws(() => readSaved(join(folder, "nowhere")), /ENOENT/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

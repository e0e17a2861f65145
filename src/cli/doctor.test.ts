import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { trial } from "./trial.ts";

interface Told {
  readonly ok: boolean;
  readonly wrong: number;
  readonly findings: readonly { readonly about: string; readonly seen: string }[];
  readonly links: readonly unknown[];
}

test("the doctor tells programs what it found, in one object, and exits by it", async () => {
  const { code, out } = await trial(["doctor", "--json"]);
  const told = JSON.parse(out) as Told;
  equal(code, told.ok ? 0 : 8);
  equal(told.ok, told.wrong === 0);
  ok(told.findings.every(({ seen }) => seen !== ""));
  ok(told.findings.some(({ about }) => about === "addon"));
  ok(Array.isArray(told.links));
});

test("the doctor tells people a line for each", async () => {
  const { out } = await trial(["doctor"]);
  match(out, /^this machine\n/);
  match(out, /✓ node +Node \d+/);
});

test("needs that only a measurement answers are refused without one, and wrong ones are told", async () => {
  const without = await trial(["doctor", "--size", "4k"]);
  equal(without.code, 2);
  match(without.err, /--measure/);
  const wrong = await trial(["doctor", "--measure", "--size", "large"]);
  equal(wrong.code, 2);
  match(wrong.err, /--size takes a number/);
  equal((await trial(["doctor", "--measure", "--trust", "nobody"])).code, 2);
  const nowhere = await trial(["doctor", "--measure", "--out", join(import.meta.filename, "x")]);
  equal(nowhere.code, 2);
  match(nowhere.err, /ENOTDIR.*--out/);
});

test("another need is answered from what was measured before, without measuring again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  try {
    const path = join(folder, "report.json");
    const machine = {
      system: "linux",
      node: "26.1.0",
      processor: "",
      cores: 2,
      load: 0,
      addon: true,
    };
    const rate = { perSecond: 90_000, cpuUsEach: 3 };
    const round = { p50Us: 9, p99Us: 9, p999Us: 9, maxUs: 9, samples: 9 };
    const file = {
      name: "file",
      forMs: 9,
      idleCpuMs: 0,
      oneWay: { ...rate, roundTrip: round, lost: 0 },
    };
    writeFileSync(path, JSON.stringify({ machine, outcomes: [file] }));
    const { code, out } = await trial([
      "doctor",
      "--from",
      path,
      "--pattern",
      "event",
      "--durable",
      "--json",
    ]);
    equal(code, 0);
    const told = JSON.parse(out) as { readonly advice: readonly { readonly name: string }[] };
    equal(told.advice[0]?.name, "file");
    deepEqual(readdirSync(folder).toSorted(), ["report.html", "report.json", "report.md"]);
    equal((await trial(["doctor", "--from", path, "--measure"])).code, 2);
    equal((await trial(["doctor", "--from", path, "--quick"])).code, 2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";
import { sayingsOf, type Saying } from "./sayings.ts";
import type { Measured } from "./measure/measured.ts";

/** It answers after so long, and carries so many. */
function measured(name: string, p50Us: number, perSecond: number): Measured {
  const round = { p50Us, p99Us: p50Us, p999Us: p50Us, maxUs: p50Us, samples: 9 };
  const rate = { perSecond, cpuUsEach: 1 };
  return {
    name,
    forMs: 1_000,
    call: { ...round, cpuUsEach: 1 },
    sizes: [64, 4_096, 65_536, 1_048_576].map((bytes) => ({ bytes, inFlight: 64, ...rate })),
    stream: rate,
    oneWay: { ...rate, roundTrip: round, lost: 0 },
    idleCpuMs: 0,
  };
}

function about(words: RegExp, of: readonly Measured[]): Saying | undefined {
  return sayingsOf(of).find(({ they }) => words.test(they));
}

test("a saying is as true as the figures, in either direction", () => {
  const so = (unix: Measured): string => about(/than TCP/, [unix, measured("tcp", 40, 90)])!.so;
  equal(so(measured("unix", 20, 180)), "one at a time 2.0 times as fast, many 2.0 times as fast");
  equal(so(measured("unix", 35, 100)), "one at a time the same, many the same");
  equal(so(measured("unix", 80, 30)), "one at a time 2.0 times as slow, many 3.0 times as slow");
});

test("of what was not measured nothing is said", () => {
  deepEqual(sayingsOf([]), []);
  equal(about(/than TCP/, [measured("unix", 1, 1)]), undefined);
  const { sizes: _, stream: _none, call: _calls, ...oneWay } = measured("unix", 40, 100);
  const saying = about(/queues are much faster/, [oneWay, measured("mq", 20, 100)]);
  match(saying!.measured, /mq beside unix: one at a time 20\.0 µs against 40\.0 µs/);
  equal(about(/shared memory/, [oneWay, measured("unix → shm", 1, 1)]), undefined);
});

test("large payloads and streams are held against each other by what they carry", () => {
  const saying = about(/shared memory/, [
    measured("unix → shm", 5, 400),
    measured("unix", 40, 100),
  ]);
  match(saying!.so, /unix → shm with 1 MiB: 4\.0 times as fast/);
  match(saying!.measured, /with items beside unix: 400 a second against 100/);
});

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { facts } from "./facts.ts";
import { mechanisms } from "./measure/mechanisms.ts";
import type { Measured, Outcome } from "./measure/measured.ts";
import { recommend, type Advice, type Need } from "./recommend.ts";

const need: Need = {
  sizeBytes: 64,
  rate: 1_000,
  pattern: "call",
  durable: false,
  trust: "same-user",
  related: false,
};

/** A mechanism that costs so much of the processor for a call, and answers after so long. */
function measured(name: string, cpuUs: number, p50Us: number, perSecond = 100_000): Measured {
  const rate = { perSecond, cpuUsEach: cpuUs };
  return {
    name,
    forMs: 1_000,
    call: { p50Us, p99Us: p50Us, p999Us: p50Us, maxUs: p50Us, samples: 9, cpuUsEach: cpuUs },
    sizes: [64, 4_096, 65_536, 1_048_576].map((bytes) => ({
      bytes,
      inFlight: 64,
      perSecond: perSecond / (1 + bytes / 4_096),
      cpuUsEach: cpuUs * (1 + bytes / 4_096),
    })),
    stream: rate,
    idleCpuMs: 0,
  };
}

const usual: readonly Outcome[] = [
  measured("memory", 1, 1),
  measured("stdio", 3, 30),
  measured("unix → shm", 5, 8),
  measured("unix", 8, 25),
  measured("tcp", 9, 40),
  measured("tls", 12, 45),
  measured("http", 60, 200, 10_000),
];

function first(more: Partial<Need>, outcomes = usual): Advice | undefined {
  return recommend({ ...need, ...more }, outcomes)[0];
}

function told(name: string, more: Partial<Need>, outcomes = usual): Advice {
  return recommend({ ...need, ...more }, outcomes).find((each) => each.name === name)!;
}

test("between processes of one user shared memory comes first where it measured best", () => {
  equal(first({})?.name, "unix → shm");
});

test("what measured best comes first, whatever is said of it elsewhere", () => {
  equal(first({}, [measured("unix → shm", 9, 50), measured("unix", 8, 25)])?.name, "unix");
});

test("few calls are decided by how soon the answer comes, many by what they cost", () => {
  const outcomes = [measured("unix", 9, 20), measured("tcp", 5, 40)];
  equal(first({ rate: 10 }, outcomes)?.name, "unix");
  equal(first({ rate: 20_000 }, outcomes)?.name, "tcp");
});

test("what measured nearly the same is decided by what is known of it, not by chance", () => {
  equal(first({}, [measured("tls", 8, 25), measured("unix", 8.1, 25.5)])?.name, "unix");
});

test("pipes are only for a process and those that it starts", () => {
  equal(told("stdio", {}).fits, false);
  equal(first({ related: true })?.name, "stdio");
});

test("parts of one process are no two processes, however fast they are", () => {
  equal(told("memory", { related: true }).fits, false);
});

test("between different users connections stay on sockets", () => {
  equal(told("unix → shm", { trust: "other-user" }).fits, false);
  equal(first({ trust: "other-user" })?.name, "unix");
  match(first({ trust: "other-user" })?.notes.join() ?? "", /gid/);
});

test("what cannot carry twice the rate does not fit, and says how much it carries", () => {
  const advice = told("http", { rate: 6_000 });
  equal(advice.fits, false);
  match(advice.notes.join(), /carries 9,\d\d\d a second/);
  equal(told("http", { rate: 4_000 }).fits, true);
});

test("where nothing fits, what is only too slow stands before what promises too little", () => {
  const slow: Need = { ...need, pattern: "event", durable: true, rate: 900_000 };
  const [nearest, next] = recommend(slow, [measured("file", 9, 9), ...usual]).filter(
    ({ fits, perSecond }) => !fits && perSecond !== undefined,
  );
  deepEqual([nearest?.name, next?.fits], ["file", false]);
});

test("large messages are judged by what was measured with large ones", () => {
  ok(told("unix", { sizeBytes: 65_536 }).perSecond! < told("unix", {}).perSecond! / 10);
});

test("what must outlive the processes goes by a broker in files, with what more it outlives", () => {
  const advice = recommend({ ...need, pattern: "event", durable: true }, usual);
  deepEqual(
    advice.filter(({ fits }) => fits).map(({ name }) => name),
    ["mmap", "sharedfile", "file"],
  );
  for (const { notes } of advice.slice(0, 3)) match(notes.join(), /power.*not measured/);
});

test("no call goes by what has no answers, and no large message by a datagram", () => {
  equal(told("udp", {}).fits, false);
  equal(told("udp", { pattern: "event", sizeBytes: 64 }).fits, true);
  match(told("udp", { pattern: "event", sizeBytes: 70_000 }).notes.join(), /64\.0 KiB at most/);
});

test("what could not be measured does not fit, and says why", () => {
  const advice = told("unix", {}, [{ name: "unix", reason: "no socket can be made" }]);
  equal(advice.fits, false);
  deepEqual(advice.notes, ["no socket can be made"]);
});

test("of every mechanism that is measured it is said who can do what", () => {
  for (const { name } of mechanisms)
    ok(
      facts.some((each) => each.name === name),
      name,
    );
});

// A process that publishes: `publisher.ts ADDRESS NAME LOG`. It goes on where the log of its last life ends, until SIGTERM.
import { isTrunklineError } from "../../src/base/error.ts";
import { realEnv } from "../../src/base/real-env.ts";
import type { Outgoing } from "../../src/broker/broker.ts";
import { openBroker } from "../../src/chassis/broker-at.ts";
import { keysEach, orders } from "./channel.ts";
import { linesOf, Log } from "../log.ts";

/** Messages of one call of `publish`, and calls under way at a time. */
const together = 20;
const underWayMax = 4;
/** Between two calls, in milliseconds. */
const everyMs = 10;
/** What takes longer is hung. */
const hungMs = 30_000;

const [address = "", name = "", path = ""] = process.argv.slice(2);
const env = realEnv();
const seqs = new Map<string, number>();
for (const { what, rest } of linesOf(path))
  if (what === "sent") seqs.set(rest[0]!, Math.max(Number(rest[1]), seqs.get(rest[0]!) ?? 0));
const log = new Log(path);
let stopping = false;
process.once("SIGTERM", () => (stopping = true));
const broker = await openBroker(address, { name, waitMs: 20_000 }, env);
await broker.declare([orders]);
log.write("up", process.pid);
let turn = 0;
const underWay = new Set<Promise<void>>();
while (!stopping) {
  while (underWay.size >= underWayMax) await Promise.race(underWay);
  const work: Promise<void> = publish().finally(() => underWay.delete(work));
  underWay.add(work);
  await new Promise((resolve) => setTimeout(resolve, everyMs));
}
await Promise.all(underWay);
await broker.close();
log.write("down");
log.close();

async function publish(): Promise<void> {
  const messages = Array.from({ length: together }, () => next());
  const alarm = setTimeout(() => log.write("hung", messages[0]!.envelope.id), hungMs);
  try {
    const outcomes = await broker.publish(messages);
    for (const [index, outcome] of outcomes.entries()) {
      const { id } = messages[index]!.envelope;
      if (isTrunklineError(outcome)) log.write("failed", id, outcome.code, outcome.executed);
      else log.write("confirmed", id);
    }
  } catch (error) {
    for (const { envelope } of messages)
      log.write("failed", envelope.id, error instanceof Error ? error.name : "?", "no");
  } finally {
    clearTimeout(alarm);
  }
}

function next(): Outgoing {
  const key = `${name}.${turn++ % keysEach}`;
  const seq = (seqs.get(key) ?? 0) + 1;
  seqs.set(key, seq);
  const id = `${key}/${seq}`;
  log.write("sent", key, seq);
  const about = { type: "torture.ordered", source: `/${name}`, contentType: "text/plain" };
  const data = Buffer.from(id.padEnd(200, "."));
  const envelope = { ...about, id, subject: key, time: env.wall(), attributes: {}, data };
  return { channel: orders, envelope };
}

import { sleep } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import type { Envelope } from "../envelope.ts";
import { readEnvelope } from "../written-envelope.ts";
import { notTurn, senseless } from "./refusal.ts";
import type { RingFile } from "./ring-file.ts";
import { usedOf } from "./ring-tail.ts";
import { Lock, RingWord } from "./ring-words.ts";

/** How long, in milliseconds, between two tries to keep the writers out. */
const pauseMs = 2;

export interface Waiting {
  /** The first of them. */
  readonly envelopes: readonly Envelope[];
  /** All of them. */
  readonly count: number;
}

/**
 * What is in a ring and not settled: how many messages, and the first `limit` that can be read. Nothing changes by it. Meanwhile nobody writes,
 * so that nothing is overwritten.
 */
export async function waiting(
  file: RingFile,
  limit: number,
  until: number,
  env: Env,
): Promise<Waiting> {
  while (!file.lock(Lock.writers)) {
    if (env.now() >= until) throw notTurn(file.path);
    await sleep(env, pauseMs);
  }
  const { words, records } = file;
  const head = words.load(RingWord.head);
  const tail = words.load(RingWord.tail);
  if (usedOf(head, tail, records.size) < 0) throw senseless(file.path);
  const envelopes: Envelope[] = [];
  let count = 0;
  for (let at = head; at !== tail;) {
    const found = records.read(at, tail);
    at = found.next;
    if (found.settled) continue;
    count++;
    if (envelopes.length >= limit || found.broken !== undefined) continue;
    const envelope = readEnvelope(found.bytes);
    if (typeof envelope === "object") envelopes.push(envelope);
  }
  return { envelopes, count };
}

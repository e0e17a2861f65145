import type { Client, Result } from "trunkline";
import { blockBytes, type Mixed } from "./contract.ts";
import { Wrong, type Ledger } from "./ledger.ts";

/** One piece of work for a client; throws `Wrong` when what comes back is not what must come. */
export type Job = (mixed: Client<typeof Mixed>, ledger: Ledger) => Promise<void>;

/** A stream may go on for as long; in its time it must come to its end. */
const total = "10s";

const largeBytesMin = 64 * 1024;
const largeBytesMax = 3 * 1024 * 1024;

/** A name for each: it stands in the report when something went wrong. */
export const jobs: Readonly<Record<string, Job>> = {
  async echo(mixed, ledger) {
    const item = { number: below(1e9), filler: "x".repeat(below(2) === 0 ? 16 : below(8_192)) };
    const answer = await mixed.echo(item);
    check(answer.number === item.number && answer.filler === item.filler, "another answer");
    ledger.add("calls");
  },

  async large(mixed, ledger) {
    const given = Buffer.alloc(largeBytesMin + below(largeBytesMax - largeBytesMin), below(256));
    check(given.equals(await mixed.blob(given)), "other bytes");
    ledger.add("calls");
    ledger.add("large");
  },

  async stream(mixed, ledger) {
    const to = below(200);
    let number = 0;
    for await (const item of mixed.count(to, { total })) {
      check(item.number === number && item.filler.length === number % 64, `not item ${number}`);
      number++;
    }
    check(number === to, `${number} of ${to} items`);
    ledger.add("streams");
    ledger.add("items", to);
  },

  async "stream of blocks"(mixed, ledger) {
    const to = 1 + below(32);
    let number = 0;
    for await (const block of mixed.blocks(to, { total })) {
      check(block.length === blockBytes && block[blockBytes - 1] === number, `not block ${number}`);
      number++;
    }
    check(number === to, `${number} of ${to} blocks`);
    ledger.add("streams");
    ledger.add("items", to);
  },

  async "stream that is left"(mixed, ledger) {
    const reads = below(20);
    let read = 0;
    for await (const item of mixed.count(1e9, { total })) {
      check(item.number === read, `not item ${read}`);
      if (++read > reads) break;
    }
    ledger.add("left");
  },

  async upload(mixed, ledger) {
    const count = below(24);
    const answer = await mixed.store(blocksTo(count), { head: { stopAt: -1 }, total });
    check(answer === count, `${answer} of ${count} blocks came`);
    ledger.add("uploads");
    ledger.add("items", count);
  },

  async "upload that is answered early"(mixed, ledger) {
    const stopAt = 1 + below(12);
    const answer = await mixed.store(blocksTo(Infinity), { head: { stopAt }, total });
    check(answer === stopAt, `answered after ${answer} blocks, not ${stopAt}`);
    ledger.add("uploads");
    ledger.add("left");
  },

  async "upload that is cancelled"(mixed, ledger) {
    const controller = new AbortController();
    const { signal } = controller;
    const options = { head: { stopAt: -1 }, signal, total } as const;
    const result = mixed.store.result(blocksTo(Infinity), options);
    setTimeout(() => controller.abort(), below(20));
    expectFailure(await result, "CANCELLED");
    ledger.add("cancelled");
  },

  async duplex(mixed, ledger) {
    const count = below(200);
    let number = 0;
    for await (const item of mixed.talk(itemsTo(count), { head: { stopAt: -1 }, total })) {
      check(item.number === number, `not item ${number}`);
      number++;
    }
    check(number === count, `${number} of ${count} items`);
    ledger.add("duplexes");
    ledger.add("items", count);
  },

  async "duplex that the server ends"(mixed, ledger) {
    const stopAt = below(50);
    let number = 0;
    for await (const item of mixed.talk(itemsTo(Infinity), { head: { stopAt }, total })) {
      check(item.number === number, `not item ${number}`);
      number++;
    }
    check(number === stopAt, `${number} items, not ${stopAt}`);
    ledger.add("duplexes");
    ledger.add("items", number);
  },

  async "duplex that is left"(mixed, ledger) {
    const reads = below(20);
    let read = 0;
    for await (const item of mixed.talk(itemsTo(Infinity), { head: { stopAt: -1 }, total })) {
      check(item.number === read, `not item ${read}`);
      if (++read > reads) break;
    }
    ledger.add("left");
  },

  async notification(mixed, ledger) {
    await mixed.note(below(1e9));
    ledger.add("notifications");
  },

  async "declared error"(mixed, ledger) {
    const number = below(1e9);
    const result = await mixed.refuse.result(number);
    expectFailure(result, "NO", "yes");
    check(result.error.code === "NO" && result.error.data === number, "other data");
    ledger.add("declared");
  },

  async crash(mixed, ledger) {
    expectFailure(await mixed.crash.result(null), "INTERNAL", "yes");
    ledger.add("crashed");
  },

  async "invalid input"(mixed, ledger) {
    const wrong = { number: "one" } as unknown as { number: number; filler: string };
    expectFailure(await mixed.echo.result(wrong), "INVALID_ARGUMENT", "no");
    ledger.add("invalid");
  },

  async "missed deadline"(mixed, ledger) {
    expectFailure(await mixed.wait.result(9_000, { deadline: 1 + below(30) }), "DEADLINE_EXCEEDED");
    ledger.add("late");
  },

  async cancellation(mixed, ledger) {
    const controller = new AbortController();
    const result = mixed.wait.result(9_000, { signal: controller.signal });
    setTimeout(() => controller.abort(), below(20));
    expectFailure(await result, "CANCELLED");
    ledger.add("cancelled");
  },
};

/** A whole number from 0, below the one given. */
export function below(limit: number): number {
  return Math.floor(Math.random() * limit);
}

function* itemsTo(count: number): Generator<{ number: number; filler: string }> {
  for (let number = 0; number < count; number++) yield { number, filler: "x".repeat(number % 64) };
}

function* blocksTo(count: number): Generator<Buffer> {
  for (let number = 0; number < count; number++) yield Buffer.alloc(blockBytes, number % 256);
}

export function check(right: boolean, otherwise: string): asserts right {
  if (!right) throw new Wrong(otherwise);
}

/** Other codes are thrown, to be judged like those of jobs that must not fail. */
function expectFailure<Value, Errors>(
  result: Result<Value, Errors>,
  code: string,
  executed?: string,
): asserts result is Extract<Result<Value, Errors>, { ok: false }> {
  check(!result.ok, `it did not fail with ${code}`);
  const error = result.error as Error & { code: string; executed: string };
  if (error.code !== code) throw error;
  const told = executed === undefined || error.executed === executed;
  check(told, `executed is ${error.executed}, not ${executed}`);
}

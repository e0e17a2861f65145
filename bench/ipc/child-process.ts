import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { noItems } from "./no-items.ts";
import type { Peer } from "../peer.ts";
import { isAnswer, type Order } from "../work.ts";

/** `process.send` to a child and back, as Node serializes it by default (JSON); a number finds the caller again. */
export const childProcess: Peer = {
  async connect() {
    const child = fork(join(import.meta.dirname, "child-process-child.ts"), {
      execArgv: process.execArgv,
    });
    await once(child, "message");
    const waiting = new Map<number, (answer: never) => void>();
    child.on("message", ({ id, answer }: { id: number; answer: never }) => {
      const resolve = waiting.get(id)!;
      waiting.delete(id);
      resolve(answer);
    });
    process.once("exit", () => child.kill());
    let last = 0;
    const ask = <Answer>(order: Order | undefined): Promise<Answer> =>
      new Promise((resolve) => {
        const id = ++last;
        waiting.set(id, resolve);
        child.send({ id, order });
      });
    return {
      call: ({ order }) => ask(order),
      isRight: (job, answer) => isAnswer(job.order, answer as Order),
      read: noItems("process.send"),
      otherCpuUs: () => ask<number>(undefined),
    };
  },
};

import {
  MessageChannel,
  receiveMessageOnPort,
  Worker,
  type MessagePort,
} from "node:worker_threads";

import { systemError } from "../base/error.ts";
import { realEnv } from "../base/real-env.ts";
import type { Answer, Ask, Line } from "./message.ts";

/** So much longer than the call itself is waited, in milliseconds: the thread that makes it knows better what has become of it. */
const graceMs = 1_000;

/** The thread that makes the calls of this one. It is started with the first call and ends with the process. */
interface Caller {
  readonly port: MessagePort;
  readonly answered: Int32Array;
}

let caller: Caller | undefined;
let asked = 0;

function started(): Caller {
  if (caller !== undefined) return caller;
  const { port1, port2 } = new MessageChannel();
  const answered = new Int32Array(new SharedArrayBuffer(4));
  const line: Line = { answered, port: port2 };
  const name = import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js";
  const options = { workerData: line, transferList: [port2], name: "sync", execArgv: [] };
  const worker = new Worker(new URL(name, import.meta.url), options);
  // It cannot be heard while this thread waits; afterwards the next call starts another one.
  const gone = (): void => {
    caller = undefined;
  };
  worker.on("error", gone).on("exit", gone).unref();
  port1.unref();
  return (caller = { port: port1, answered });
}

/** Has the call made, and stands still until it is over. Throws DEADLINE_EXCEEDED, `executed: "maybe"`, when nothing is heard of it. */
export function waitFor(call: Omit<Ask, "id">, operation: string): Answer {
  const env = realEnv();
  const id = ++asked;
  const until = env.now() + call.deadlineMs + graceMs;
  const { port, answered } = started();
  port.postMessage({ ...call, id } satisfies Ask);
  for (;;) {
    const seen = Atomics.load(answered, 0);
    for (
      let next = receiveMessageOnPort(port);
      next !== undefined;
      next = receiveMessageOnPort(port)
    ) {
      const answer = next.message as Answer;
      if (answer.id === id) return answer; // others were given up before
    }
    const leftMs = until - env.now();
    if (leftMs <= 0) throw unheard(call, operation);
    sleepUntil(answered, seen, leftMs, operation);
  }
}

function sleepUntil(answered: Int32Array, seen: number, ms: number, operation: string): void {
  try {
    Atomics.wait(answered, 0, seen, ms);
  } catch (cause) {
    throw systemError("UNIMPLEMENTED", "this thread may not stand still", {
      executed: "maybe",
      operation,
      advice: "use client(), or call from a thread of your own",
      cause,
    });
  }
}

function unheard({ address, deadlineMs }: Omit<Ask, "id">, operation: string): Error {
  return systemError("DEADLINE_EXCEEDED", `nothing was heard within ${deadlineMs} ms`, {
    executed: "maybe",
    operation,
    endpoint: address,
    advice: "if this very process serves it, it cannot answer while it waits: use client()",
  });
}

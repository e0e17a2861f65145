import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { threadId, Worker } from "node:worker_threads";

import { seededRandom } from "../../base/random.ts";
import { realEnv } from "../../base/real-env.ts";
import { parseAddress } from "../address.ts";
import { anySize, arrived, numbered, send, sendAll } from "../suite/frames.ts";
import { Recorder } from "../suite/recorder.ts";
import type { Connection, Listener } from "../transport.ts";
import { worker } from "./index.ts";

const env = realEnv();
const transport = worker();
const soon = { timeout: 60_000 };

/** What stands before each program of a thread. */
const prologue = `
  import { deepEqual } from "node:assert/strict";
  import { parentPort, workerData } from "node:worker_threads";
  import { realEnv } from ${JSON.stringify(import.meta.resolve("../../base/real-env.ts"))};
  import { parseAddress } from ${JSON.stringify(import.meta.resolve("../address.ts"))};
  import { numbered, send, sendAll, arrived } from ${JSON.stringify(import.meta.resolve("../suite/frames.ts"))};
  import { Recorder } from ${JSON.stringify(import.meta.resolve("../suite/recorder.ts"))};
  import { worker } from ${JSON.stringify(import.meta.resolve("./index.ts"))};
  const env = realEnv();
  const address = parseAddress("worker:" + (workerData?.name ?? "x"));
  const dial = () => worker().dial(address, { until: env.now() + 10_000 }, env);
  const listen = (accept) => worker().listen(address, accept, {}, env);
`;

/** Answers each frame with the same one, and holds the other side back when it is held back itself. */
const echoProgram = `
  await listen((connection) => {
    connection.open({
      frame(memory, from, to) {
        send(connection, memory.subarray(from, to));
        if (!connection.writable) connection.pause();
      },
      drain: () => connection.resume(),
      ended: () => connection.end(),
      closed: (reason) => parentPort?.postMessage(reason.kind),
    });
  });
  parentPort.postMessage("listening");
`;

/** Sends a thousand frames to an echo, ends, and tells how the connection closed. */
const callerProgram = `
  const near = new Recorder(await dial()).open();
  const sent = Array.from({ length: 1_000 }, (_, i) => numbered(i, i * 7 % 3_000));
  await sendAll(near, sent);
  await arrived(near, sent);
  near.connection.end();
  await near.until(() => near.reason !== undefined);
  deepEqual(near.violations, []);
  parentPort.postMessage(near.reason.kind);
`;

let names = 0;
const anyName = (): string => `thread-${++names}`;

/** A thread that runs the program and ends with the test. */
function start(t: TestContext, program: string, name: string): Worker {
  const thread = new Worker(asModule(program), { workerData: { name } });
  t.after(() => thread.terminate());
  return thread;
}

/** A thread that listens under the name. */
async function startListening(
  t: TestContext,
  name: string,
  program: string = echoProgram,
): Promise<Worker> {
  const thread = start(t, program, name);
  equal(await told(thread), "listening");
  return thread;
}

function asModule(program: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(prologue + program)}`);
}

async function told(thread: Worker): Promise<unknown> {
  const [message] = (await once(thread, "message")) as [unknown];
  return message;
}

function dial(name: string, forMs: number = 10_000): Promise<Connection> {
  return transport.dial(parseAddress(`worker:${name}`), { until: env.now() + forMs }, env);
}

async function listen(
  t: TestContext,
  name: string,
  accept: (connection: Connection) => void,
): Promise<Listener> {
  const listener = await transport.listen(parseAddress(`worker:${name}`), accept, {}, env);
  t.after(() => listener.close());
  return listener;
}

function echo(connection: Connection): void {
  connection.open({
    frame: (memory, from, to) => send(connection, memory.subarray(from, to)),
    drain: () => {},
    ended: () => connection.end(),
    closed: () => {},
  });
}

test("the main thread reaches another one", soon, async (t) => {
  const name = anyName();
  const thread = await startListening(t, name);
  const near = new Recorder(await dial(name)).open();
  const random = seededRandom(1);
  const sent = Array.from({ length: 5_000 }, (_, i) => numbered(i, anySize(random)));
  await sendAll(near, sent);
  await arrived(near, sent);
  near.connection.end();
  const [kind] = await Promise.all([told(thread), near.until(() => near.reason !== undefined)]);
  deepEqual([kind, near.reason?.kind, near.violations], ["done", "done", []]);
});

test("both sides are told in which thread the other one is", soon, async (t) => {
  const name = anyName();
  const thread = await startListening(
    t,
    name,
    `await listen((connection) => {
       parentPort.postMessage(connection.peer.threadId);
       connection.open({ frame() {}, drain() {}, ended: () => connection.end(), closed() {} });
     });
     parentPort.postMessage("listening");`,
  );
  const from = told(thread);
  const near = new Recorder(await dial(name)).open();
  deepEqual([await from, near.connection.peer.threadId], [threadId, thread.threadId]);
  near.connection.end();
  await near.until(() => near.reason !== undefined);
});

test("another thread reaches the main thread", soon, async (t) => {
  const name = anyName();
  await listen(t, name, echo);
  equal(await told(start(t, callerProgram, name)), "done");
});

test("two other threads reach each other", soon, async (t) => {
  const name = anyName();
  await startListening(t, name);
  equal(await told(start(t, callerProgram, name)), "done");
});

test("a thread reaches itself, and a thread that another one has started", soon, async (t) => {
  const name = anyName();
  const inner = JSON.stringify(asModule(callerProgram).href);
  const program = `
    await listen((connection) => connection.open({
      frame: (memory, from, to) => send(connection, memory.subarray(from, to)),
      drain() {},
      ended: () => connection.end(),
      closed() {},
    }));
    ${callerProgram.replace("parentPort.postMessage(near.reason.kind)", "")}
    const { Worker } = await import("node:worker_threads");
    const child = new Worker(new URL(${inner}), { workerData });
    child.on("message", (kind) => parentPort.postMessage([near.reason.kind, kind]));
  `;
  deepEqual(await told(start(t, program, name)), ["done", "done"]);
});

test(
  "a thread that reads nothing makes the other unwritable, and everything arrives",
  soon,
  async (t) => {
    const name = anyName();
    const thread = await startListening(
      t,
      name,
      `await listen((connection) => {
         const far = new Recorder(connection).open();
         far.pause();
         parentPort.on("message", async () => {
           far.resume();
           await far.until(() => far.ends === 1);
           parentPort.postMessage(far.frames.map((frame) => frame.length));
         });
       });
       parentPort.postMessage("listening");`,
    );
    const near = new Recorder(await dial(name)).open();
    const sizes: number[] = [];
    while (near.connection.writable) {
      ok(sizes.length < 1_000, "it becomes unwritable");
      send(near.connection, numbered(sizes.length, 10_000 + sizes.length));
      sizes.push(10_000 + sizes.length);
      await new Promise<void>((resolve) => env.yield(resolve));
    }
    equal(near.drains, 0);
    thread.postMessage("resume");
    await near.until(() => near.drains === 1);
    near.connection.end();
    deepEqual(await told(thread), sizes);
    near.connection.destroy("that was all");
  },
);

test("the suite holds within another thread too", soon, async (t) => {
  const program = `
    const { transportCases } = await import(${JSON.stringify(import.meta.resolve("../suite.ts"))});
    let names = 0;
    const failures = [];
    for (const { name, run } of transportCases({ make: worker, address: () => "worker:inside-" + ++names })) {
      await run().catch((error) => failures.push(name + ": " + error));
    }
    parentPort.postMessage({ names, failures });
  `;
  const { names: cases, failures } = (await told(start(t, program, "inside"))) as {
    names: number;
    failures: string[];
  };
  deepEqual(failures, []);
  ok(cases > 30, "they have run");
});

test("the end of a thread is told at once as a loss, without sending anything", soon, async (t) => {
  for (const end of ["terminate", "exit", "throw"] as const) {
    const name = anyName();
    const thread = await startListening(
      t,
      name,
      `
        await listen((connection) => connection.open({ frame() {
          if (${JSON.stringify(end)} === "exit") process.exit();
          throw new Error("on purpose");
        }, drain() {}, ended() {}, closed() {} }));
        parentPort.postMessage("listening");
      `,
    );
    thread.on("error", () => {});
    const near = new Recorder(await dial(name)).open();
    if (end === "terminate") await thread.terminate();
    else send(near.connection, numbered(0, 10));
    await near.until(() => near.reason !== undefined);
    deepEqual([near.reason?.kind, near.ends, near.violations], ["lost", 0, []]);
    match(near.reason!.message, /its thread has ended/);
  }
});

test("the name of a thread that has ended is free at once", soon, async (t) => {
  const name = anyName();
  for (let i = 0; i < 3; i++) {
    const thread = await startListening(t, name);
    await rejects(listen(t, name, echo), {
      code: "UNAVAILABLE",
      executed: "no",
      message: /the name is in use[^]*choose another name/,
    });
    await thread.terminate();
    const listener = await listen(t, name, echo);
    await listener.close();
  }
  await rejects(dial(name), { code: "UNAVAILABLE", message: /no thread of this process listens/ });
});

test("a thread that ends while it is dialled is told, and not waited for", soon, async (t) => {
  const name = anyName();
  const thread = await startListening(
    t,
    name,
    `await listen(() => {});
     parentPort.on("message", () => {
       parentPort.postMessage("blocked");
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });
     parentPort.postMessage("listening");`,
  );
  thread.postMessage("block");
  equal(await told(thread), "blocked");
  const dialling = dial(name);
  void thread.terminate();
  await rejects(dialling, { code: "UNAVAILABLE", executed: "no", message: /ended while it was/ });
});

test("a thread that is blocked is given up in time", soon, async (t) => {
  const name = anyName();
  const memory = new SharedArrayBuffer(4);
  const thread = await startListening(
    t,
    name,
    `await listen((connection) => connection.open({ frame() {}, drain() {}, ended() {},
       closed: (reason) => parentPort.postMessage(reason.kind) }));
     parentPort.on("message", (memory) => {
       parentPort.postMessage("blocked");
       Atomics.wait(new Int32Array(memory), 0, 0);
     });
     parentPort.postMessage("listening");`,
  );
  thread.postMessage(memory);
  equal(await told(thread), "blocked");
  await rejects(dial(name, 30), { code: "UNAVAILABLE", message: /not connected in time/ });
  Atomics.store(new Int32Array(memory), 0, 1);
  Atomics.notify(new Int32Array(memory), 0);
  equal(await told(thread), "lost", "the one who was given up does not stay open");
});

test("many who dial while threads come and go are all told something", soon, async (t) => {
  const name = anyName();
  const outcomes = [];
  for (let round = 0; round < 5; round++) {
    const thread = await startListening(t, name);
    const dials = Array.from({ length: 50 }, async () => {
      const near = new Recorder(await dial(name)).open();
      await near.until(() => near.reason !== undefined);
      return near.reason!.kind;
    });
    void thread.terminate();
    outcomes.push(...(await Promise.allSettled(dials)));
    await thread.terminate();
  }
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") equal(outcome.value, "lost");
    else equal((outcome.reason as { code?: string }).code, "UNAVAILABLE");
  }
});

test("a main thread that does not take part is named, with what to do", soon, async () => {
  const program = `
    const tell = (error) => console.log(error.code, error.executed, error.message);
    await dial().catch(tell);
    await listen(() => {}).catch(tell);
  `;
  const main = `new (require("node:worker_threads").Worker)(new URL(${JSON.stringify(asModule(program).href)}))`;
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, "-e", main]);
  match(
    stdout,
    /^(UNAVAILABLE no [^]*the main thread does not take part[^]*import "trunkline"[^]*){2}$/,
  );
});

test(
  "neither the transport nor an ended connection keeps the process alive, a listener does",
  soon,
  async () => {
    const program = `
    ${prologue}
    const listener = await listen((connection) => connection.open({
      frame() {}, drain() {}, ended: () => connection.end(), closed() {} }));
    const connection = await dial();
    connection.open({ frame() {}, drain() {}, ended() {}, async closed(reason) {
      console.log(reason.kind);
      setTimeout(async () => { console.log("still here"); await listener.close(); }, 20);
    } });
    connection.end();
  `;
    const args = [...process.execArgv, "--input-type=module", "-e", program];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    equal(stdout, "done\nstill here\n");
  },
);

test("bounds that cannot be kept are refused before anybody is asked", soon, async () => {
  const address = parseAddress(`worker:${anyName()}`);
  const refusal = { code: "INVALID_ARGUMENT", executed: "no" };
  const until = env.now() + 10_000;
  await rejects(transport.dial(address, { until, frameBytesMax: 0 }, env), refusal);
  await rejects(
    transport.listen(address, () => {}, { connectionsMax: 0 }, env),
    refusal,
  );
});

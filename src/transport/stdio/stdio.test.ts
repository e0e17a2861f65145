import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";

import type { Env } from "../../base/env.ts";
import { seededRandom } from "../../base/random.ts";
import { realEnv } from "../../base/real-env.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import { parseAddress } from "../address.ts";
import { anySize, arrived, numbered, send, sendAll } from "../suite/frames.ts";
import { Recorder } from "../suite/recorder.ts";
import type { Connection } from "../transport.ts";
import { stdio, type StdioOptions } from "./index.ts";

const env = realEnv();
const address = parseAddress("stdio:");
const soon = { timeout: 60_000 };

/** What stands before each program. */
const prologue = `
  import { closeSync, fstatSync, openSync } from "node:fs";
  import { realEnv } from ${JSON.stringify(import.meta.resolve("../../base/real-env.ts"))};
  import { parseAddress } from ${JSON.stringify(import.meta.resolve("../address.ts"))};
  import { numbered, send } from ${JSON.stringify(import.meta.resolve("../suite/frames.ts"))};
  import { stdio } from ${JSON.stringify(import.meta.resolve("./index.ts"))};
  const env = realEnv();
  const address = parseAddress("stdio:");
  const listen = (accept, options) => stdio(options).listen(address, accept, {}, env);
  const echo = (connection, more = {}) => connection.open({
    frame: (memory, from, to) => send(connection, memory.subarray(from, to)),
    drain() {},
    ended: () => connection.end(),
    closed() {},
    ...more,
  });
`;

const echoProgram = `await listen(echo);`;

/** Node with this program. */
function program(text: string): { command: string; args: string[] } {
  const args = [...process.execArgv, "--input-type=module", "--eval", prologue + text];
  return { command: process.execPath, args };
}

/** Starts a child, which is gone when the test is over. */
async function dial(
  t: TestContext,
  options: StdioOptions,
  surroundings: Env = env,
): Promise<Recorder> {
  const until = env.now() + 10_000;
  const connection = await stdio(options).dial(address, { until }, surroundings);
  t.after(async () => {
    connection.destroy("the test is over");
    await gone(connection);
  });
  return new Recorder(connection).open();
}

/** Resolves when the child has ended. */
async function gone({ peer }: Connection): Promise<void> {
  while (runs(peer.pid!)) await new Promise((resolve) => setTimeout(resolve, 5));
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function closed(near: Recorder): Promise<string> {
  await near.until(() => near.reason !== undefined);
  deepEqual(near.violations, []);
  return `${near.reason!.kind}: ${near.reason!.message}`;
}

function refused(options: StdioOptions, code: string, message: RegExp): Promise<void> {
  const dialling = stdio(options).dial(address, { until: env.now() + 10_000 }, env);
  return rejects(dialling, { code, executed: "no", endpoint: "stdio:", message });
}

test(
  "a child is reached, its pid is known, and it ends by itself after the end",
  soon,
  async (t) => {
    const near = await dial(t, program(echoProgram));
    const random = seededRandom(1);
    const sent = Array.from({ length: 3_000 }, (_, i) => numbered(i, anySize(random)));
    await sendAll(near, sent);
    await arrived(near, sent);
    ok(runs(near.connection.peer.pid!));
    near.connection.end();
    equal(await closed(near), "done: both sides had ended");
    await gone(near.connection);
  },
);

test("a child is told that its peer is its parent", soon, async (t) => {
  let text = "";
  const near = await dial(t, {
    ...program(`await listen((connection) => {
      process.stderr.write(connection.peer.pid + ";");
      echo(connection);
    });`),
    stderr: (more) => (text += more),
  });
  send(near.connection, numbered(0, 1));
  await near.until(() => text.endsWith(";"));
  equal(text, `${process.pid};`);
});

test("each dial starts a child of its own", soon, async (t) => {
  const [one, other] = [await dial(t, program(echoProgram)), await dial(t, program(echoProgram))];
  ok(one.connection.peer.pid !== other.connection.peer.pid);
});

test(
  "what a listening child prints goes to stderr and leaves the frames alone",
  soon,
  async (t) => {
    let text = "";
    const near = await dial(t, {
      ...program(`
      console.log; process.stdout; // somebody may have looked at it before
      await listen((connection) => echo(connection, {
        frame(memory, from, to) {
          console.log("printed");
          process.stdout.write("written\\n");
          send(connection, memory.subarray(from, to));
        },
      }));
    `),
      stderr: (more) => (text += more),
    });
    const sent = Array.from({ length: 100 }, (_, i) => numbered(i, i));
    await sendAll(near, sent);
    await arrived(near, sent);
    near.connection.end();
    equal(await closed(near), "done: both sides had ended");
    equal(text, "printed\nwritten\n".repeat(100));
  },
);

test("with descriptors of its own a child keeps its stdout", soon, async () => {
  const child = program(`
    console.log("before");
    await listen((connection) => { console.log("after"); echo(connection); }, { fds: [3, 4] });
  `);
  const parent = program(`
    const child = stdio({ ...${JSON.stringify(child)}, fds: [3, 4] });
    const connection = await child.dial(address, { until: env.now() + 10_000 }, env);
    connection.open({
      frame(memory, from, to) { console.log(to - from); connection.end(); },
      drain() {}, ended() {},
      closed: ({ kind }) => console.log(kind),
    });
    send(connection, numbered(1, 70_000));
  `);
  const { stdout } = await promisify(execFile)(parent.command, parent.args);
  deepEqual(stdout.trim().split("\n").toSorted(), ["70000", "after", "before", "done"]);
});

test(
  "what a child has sent before it exits arrives, then its exit code is told",
  soon,
  async (t) => {
    const near = await dial(
      t,
      program(`
      await listen((connection) => {
        connection.open({ frame() {}, drain() {}, ended() {}, closed() {} });
        for (let i = 0; i < 100; i++) send(connection, numbered(i, 1_000));
        setTimeout(() => process.exit(3), 20);
      });
    `),
    );
    match(await closed(near), /^lost: the child process \d+ \(.*\) exited with code 3$/);
    equal(near.frames.length, 100);
  },
);

test(
  "a child that was killed is told with the signal, at once and without sending anything",
  soon,
  async (t) => {
    const near = await dial(t, program(echoProgram));
    await sendAll(near, [numbered(1, 10)]);
    await arrived(near, [numbered(1, 10)]);
    process.kill(near.connection.peer.pid!, "SIGKILL");
    match(await closed(near), /^lost: the child process \d+ \(.*\) was killed by SIGKILL$/);
  },
);

test("a program that cannot begin is told with its exit code", soon, async (t) => {
  const near = await dial(t, { ...program("process.exit(9);") });
  match(await closed(near), /^lost: .* exited with code 9$/);
});

test("a child that hangs up and stays is told as a loss, and ended", soon, async (t) => {
  const near = await dial(t, {
    ...program(`
      await listen((connection) => {
        connection.open({ frame() {}, drain() {}, ended() {}, closed() {} });
        connection.destroy("no more");
      });
      setInterval(() => {}, 1_000);
    `),
    exitWithin: 50,
  });
  match(await closed(near), /^lost: the child process \d+ \(.*\) has closed its pipes$/);
  await gone(near.connection);
});

test("a child that stays although both have ended is ended", soon, async (t) => {
  const near = await dial(t, {
    ...program(`${echoProgram} setInterval(() => {}, 1_000);`),
    exitWithin: 50,
  });
  near.connection.end();
  equal(await closed(near), "done: both sides had ended");
  await gone(near.connection);
});

test("a child that ignores SIGTERM is killed when its connection is destroyed", soon, async (t) => {
  const asked = Promise.withResolvers<void>();
  const set: Alarm[] = [];
  // Time that stands still: the alarm rings when we say so.
  const still = Object.create(env, {
    set: { value: (alarm: Alarm) => set.push(alarm) },
    clear: { value: (alarm: Alarm) => set.splice(set.indexOf(alarm), 1) },
  }) as Env;
  const near = await dial(
    t,
    {
      ...program(`
        process.on("SIGTERM", () => console.error("not yet"));
        setInterval(() => {}, 1_000);
        ${echoProgram}
      `),
      stderr: () => asked.resolve(),
    },
    still,
  );
  await sendAll(near, [numbered(1, 10)]);
  await arrived(near, [numbered(1, 10)]);
  near.connection.destroy("enough");
  equal(await closed(near), "destroyed: enough");
  await asked.promise;
  ok(runs(near.connection.peer.pid!));
  equal(set.length, 1);
  set.pop()!.ring();
  await gone(near.connection);
  equal(set.length, 0);
});

test("a pipe that a child has left to somebody else does not hide its exit", soon, async (t) => {
  const near = await dial(t, {
    command: "sh",
    args: ["-c", "sleep 2 & exit 7"],
    exitWithin: 50,
  });
  match(await closed(near), /^lost: the child process \d+ \(sh\) exited with code 7$/);
});

test("a child that reads nothing makes its parent unwritable", soon, async (t) => {
  const near = await dial(t, { command: "sleep", args: ["100"] });
  let sent = 0;
  while (near.connection.writable) {
    ok(sent++ < 1_000, "it becomes unwritable");
    send(near.connection, numbered(sent, 10_000));
    await new Promise<void>((resolve) => env.yield(resolve));
  }
});

test("the death of its parent is told to a child at once, as a loss", soon, async (t) => {
  const child = program(`
    await listen((connection) => echo(connection, {
      ended: () => console.error("ended"),
      closed: ({ kind }) => console.error(kind),
    }));
    console.error("listening");
  `);
  const parent = program(`
    const child = stdio(${JSON.stringify(child)});
    const connection = await child.dial(address, { until: env.now() + 10_000 }, env);
    connection.open({ frame() {}, drain() {}, ended() {}, closed() {} });
  `);
  const started = spawn(parent.command, parent.args, { stdio: ["ignore", "inherit", "pipe"] });
  t.after(() => started.kill("SIGKILL"));
  const lines = [];
  for await (const line of createInterface({ input: started.stderr })) {
    lines.push(line);
    if (line === "listening") started.kill("SIGKILL");
  }
  deepEqual(lines, ["listening", "lost"]);
});

test("a parent may be a shell with plain pipes", soon, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const frames = [numbered(1, 5), numbered(2, 0), numbered(3, 100_000)];
  const bytes = Buffer.concat(
    frames.flatMap((frame) => [
      Buffer.from([frame.length >> 16, (frame.length >> 8) & 255, frame.length & 255]),
      frame,
    ]),
  );
  writeFileSync(join(folder, "in"), bytes);
  const { command, args } = program(`
    await listen((connection) => echo(connection, { closed: ({ kind }) => console.error(kind) }));
  `);
  const line = 'in="$1"; shift; cat "$in" | "$@" 2>&1 >&3 3>&- | cat >"$in.told" 3>&-';
  const piped = `{ ${line}; } 3>&1 | cat`;
  const { stdout } = await promisify(execFile)(
    "sh",
    ["-c", piped, "sh", join(folder, "in"), command, ...args],
    { encoding: "buffer" },
  );
  equal(stdout.compare(bytes), 0, "the frames came back");
  equal(execFileSync("cat", [join(folder, "in.told")]).toString(), "done\n");
});

test(
  "when the pipes are closed nothing else takes the place of stdin and stdout",
  soon,
  async (t) => {
    let text = "";
    const near = await dial(t, {
      ...program(`
      await listen((connection) => echo(connection, {
        closed() {
          console.log("goodbye");
          const file = openSync("/dev/null", "r");
          const kept = [0, 1].map((fd) => fstatSync(fd).isCharacterDevice());
          console.log(JSON.stringify([...kept, file > 2]));
          closeSync(file);
          listen(() => {}).catch((error) => console.log(error.message));
        },
      }));
    `),
      stderr: (more) => (text += more),
    });
    near.connection.end();
    await closed(near);
    await gone(near.connection);
    match(text, /^goodbye\n\[true,true,true\]\nINVALID_ARGUMENT stdio:: descriptor 0 is a device/);
  },
);

test("what is no pipe is refused, with what to do", soon, async () => {
  const { command, args } = program(`
    await listen(() => {}).catch((error) => console.error(error.message));
    await listen(() => {}, { fds: [200, 201] }).catch((error) => console.error(error.message));
  `);
  const started = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
  let text = "";
  for await (const more of started.stderr) text += String(more);
  match(text, /descriptor 0 is a device, and frames need a pipe[^]*let another program start this/);
  match(text, /descriptor 200 is not open, and frames need a pipe[^]*give the same fds/);
});

test("a program that cannot be started is refused, with what to do", soon, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const plain = join(folder, "plain");
  writeFileSync(plain, "");
  chmodSync(plain, 0o644);
  await refused({}, "INVALID_ARGUMENT", /no command was given[^]*stdio\(\{ command/);
  await refused(
    { command: "trunkline-no-such-program" },
    "UNAVAILABLE",
    /there is no program trunkline-no-such-program \(ENOENT\)[^]*PATH/,
  );
  await refused({ command: plain }, "PERMISSION_DENIED", /may not be run \(EACCES\)[^]*chmod/);
  await refused(
    { command: "cat", cwd: join(folder, "missing") },
    "INVALID_ARGUMENT",
    /the folder .*missing in which cat is to be started is not there[^]*correct cwd/,
  );
  await refused({ command: "cat", args: ["a\0b"] }, "INVALID_ARGUMENT", /cannot be started/);
  await refused({ command: "cat", args: ["x".repeat(4e6)] }, "INVALID_ARGUMENT", /E2BIG/);
});

test("options that make no sense are refused when the transport is made", () => {
  const refusal = { code: "INVALID_ARGUMENT", executed: "no" };
  for (const fds of [
    [0, 0],
    [1, 2],
    [-1, 1],
    [0, 1.5],
    [0, 1_000],
  ] as [number, number][]) {
    throws(() => stdio({ fds }), refusal);
  }
  throws(() => stdio({ command: "" }), refusal);
  throws(() => stdio({ exitWithin: -1 }), refusal);
});

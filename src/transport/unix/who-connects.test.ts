import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { isBuiltin } from "node:module";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { realEnv } from "../../base/real-env.ts";
import { addon } from "../../os/addon.ts";
import { parseAddress } from "../address.ts";
import { Recorder } from "../suite/recorder.ts";
import type { Connection, Transport } from "../transport.ts";
import { credentialsByNode, credentialsOf } from "./credentials.ts";
import { unix } from "./index.ts";

const env = realEnv();
const soon = { timeout: 60_000 };
const root = process.geteuid!() === 0;
const ffi = process.platform === "linux" && isBuiltin("node:ffi");
const credentialsTold = ffi || addon() !== undefined;

/** A folder of its own, removed after the test. */
function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function listen(
  t: TestContext,
  path: string,
  accept: (connection: Connection) => void,
  over: Transport = unix(),
): Promise<void> {
  const listener = await over.listen(parseAddress(`unix:${path}`), accept, {}, env);
  t.after(() => listener.close());
}

function dial(path: string): Promise<Connection> {
  return unix().dial(parseAddress(`unix:${path}`), { until: env.now() + 10_000 }, env);
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

function mode(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

/** Root may do everything: then the work is done as nobody. */
async function asAnotherUser<T>(work: () => Promise<T>): Promise<T> {
  if (root) process.seteuid!(65_534);
  try {
    return await work();
  } finally {
    if (root) process.seteuid!(0);
  }
}

test(
  "with a mode for others the socket has it, and the folder that is made lets them pass",
  soon,
  async (t) => {
    for (const [given, folderMode] of [
      [0o660, "710"],
      [0o666, "711"],
      [0o606, "701"],
      [0o644, "700"],
    ] as const) {
      const folder = folderOf(t);
      const path = join(folder, "run/orders/x.sock");
      await listen(t, path, () => {}, unix({ mode: given }));
      equal(mode(path), given.toString(8));
      equal(mode(join(folder, "run/orders")), folderMode);
      equal(mode(join(folder, "run")), folderMode);
      equal(mode(folder), "700");
    }
  },
);

test(
  "the group is given to the socket and the folders that are made, to no other",
  soon,
  async (t) => {
    const groups = process.getgroups!();
    const own = process.getegid!();
    const gid = root ? 54_321 : (groups.find((each) => each !== own) ?? own);
    const folder = folderOf(t);
    const path = join(folder, "run/orders/x.sock");
    await listen(t, path, () => {}, unix({ mode: 0o660, gid }));
    const made = [path, join(folder, "run/orders"), join(folder, "run")];
    deepEqual(
      made.map((each) => [statSync(each).gid, mode(each)]),
      [
        [gid, "660"],
        [gid, "710"],
        [gid, "710"],
      ],
    );
    equal(statSync(folder).gid, own);
  },
);

test("a group that this process is not in is refused, and nothing listens", soon, async (t) => {
  const folder = folderOf(t);
  chmodSync(folder, 0o777);
  const path = join(folder, "x.sock");
  await asAnotherUser(async () => {
    await rejects(
      listen(t, path, () => {}, unix({ gid: 54_321 })),
      {
        code: "PERMISSION_DENIED",
        executed: "no",
        message: /not allowed \(EPERM\): this process may not give files to the group 54321/,
      },
    );
  });
  deepEqual(readdirSync(folder), []);
});

test(
  "who connects before the socket has its mode, while the umask decides, is not let in",
  soon,
  async (t) => {
    const folder = folderOf(t);
    let accepted = 0;
    let listening = false;
    const begun = listen(t, join(folder, "x.sock"), () => accepted++).then(() => {
      listening = true;
    });
    while (readdirSync(folder).length === 0) await turn();
    const [hidden] = readdirSync(folder) as [string];
    ok(!listening && hidden.startsWith("."), "it is not complete yet");
    const early = connect(join(folder, hidden));
    await once(early.resume(), "close");
    await begun;
    equal(accepted, 0);
    (await dial(join(folder, "x.sock"))).destroy("that was all");
    while (accepted === 0) await turn();
  },
);

test("a mode or group that is none is refused", () => {
  for (const options of [
    { mode: 600 },
    { mode: -1 },
    { mode: 0o1600 },
    { mode: 1.5 },
    { gid: -1 },
    { gid: 2 ** 32 - 1 },
    { gid: NaN },
  ]) {
    throws(() => unix(options), { code: "INVALID_ARGUMENT", executed: "no" });
  }
});

test(
  "both sides are told whose process the other one is, before and after it has gone",
  { ...soon, skip: credentialsTold ? false : "this system, or this Node, does not tell" },
  async (t) => {
    const path = join(folderOf(t), "x.sock");
    const accepted = Promise.withResolvers<Connection>();
    await listen(t, path, accepted.resolve);
    const near = new Recorder(await dial(path)).open();
    const far = new Recorder(await accepted.promise).open();
    const own = { pid: process.pid, uid: process.geteuid!(), gid: process.getegid!() };
    const told = ({ peer: { pid, uid, gid } }: Connection): object => ({ pid, uid, gid });
    deepEqual([told(near.connection), told(far.connection)], [own, own]);
    near.connection.end();
    far.connection.end();
    await far.until(() => far.reason !== undefined);
    deepEqual(told(far.connection), own);
  },
);

test(
  "the addon and node:ffi tell the same",
  { ...soon, skip: ffi && addon() !== undefined ? false : "needs both" },
  async (t) => {
    const path = join(folderOf(t), "x.sock");
    await listen(t, path, () => {});
    const socket = connect(path);
    await once(socket, "connect");
    const own = { pid: process.pid, uid: process.geteuid!(), gid: process.getegid!() };
    deepEqual([credentialsOf(socket), credentialsByNode(socket)], [own, own]);
    socket.destroy();
    deepEqual([credentialsOf(socket), credentialsByNode(socket)], [undefined, undefined]);
  },
);

test(
  "who has gone before anybody has asked is nobody",
  { ...soon, skip: credentialsTold ? false : "this system, or this Node, does not tell" },
  async (t) => {
    const path = join(folderOf(t), "x.sock");
    const accepted = Promise.withResolvers<Connection>();
    await listen(t, path, accepted.resolve);
    (await dial(path)).destroy("that was all");
    const far = new Recorder(await accepted.promise).open();
    far.connection.end();
    await far.until(() => far.reason !== undefined);
    const { pid, uid, gid } = far.connection.peer;
    deepEqual([pid, uid, gid], [undefined, undefined, undefined]);
  },
);

test(
  "a process of another user is told as that user's",
  {
    ...soon,
    skip: credentialsTold && root ? false : "needs root, and Linux with the addon or node:ffi",
  },
  async (t) => {
    const folder = folderOf(t);
    chmodSync(folder, 0o755);
    const path = join(folder, "x.sock");
    const accepted = Promise.withResolvers<Connection>();
    await listen(t, path, accepted.resolve, unix({ mode: 0o666 }));
    // The rights of the effective user at the time of connecting are what counts.
    const near = await asAnotherUser(() => dial(path));
    t.after(() => near.destroy("the test is over"));
    const { pid, uid } = (await accepted.promise).peer;
    deepEqual([pid, uid], [process.pid, 65_534]);
  },
);

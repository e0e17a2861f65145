import { deepEqual, equal, rejects } from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";

import { realEnv } from "../../base/real-env.ts";
import { addon, addonProblem } from "../../os/addon.ts";
import { parseAddress } from "../address.ts";
import { numbered, send } from "../suite/frames.ts";
import { Recorder } from "../suite/recorder.ts";
import type { Connection, Listener } from "../transport.ts";
import { unix } from "../unix/index.ts";
import { unixpacket } from "./index.ts";
import { packetBytesMax } from "./packet-socket.ts";

const env = realEnv();
const skip = addonProblem() ?? false;

interface Scene {
  readonly folder: string;
  readonly path: string;
  readonly text: string;
}

function place(t: TestContext): Scene {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return { folder, path: `${folder}/x.sock`, text: `unixpacket:${folder}/x.sock` };
}

const dial = (text: string): Promise<Connection> =>
  unixpacket().dial(parseAddress(text), { until: env.now() + 10_000 }, env);

const listen = (text: string, accept: (connection: Connection) => void): Promise<Listener> =>
  unixpacket({ mode: 0o660 }).listen(parseAddress(text), accept, {}, env);

/** Listens in a process of its own and sends back what it gets. */
async function echoing(t: TestContext, text: string): Promise<ChildProcess> {
  const url = (path: string): string =>
    JSON.stringify(pathToFileURL(join(import.meta.dirname, path)).href);
  const program = `
    const { unixpacket } = await import(${url("unixpacket.ts")});
    const { parseAddress } = await import(${url("../address.ts")});
    const { realEnv } = await import(${url("../../base/real-env.ts")});
    await unixpacket().listen(parseAddress(process.argv[1]), (connection) => connection.open({
      frame: (memory, from, to) => {
        const frame = Buffer.from(memory.subarray(from, to));
        const at = connection.claim(frame.length);
        connection.outgoing.set(frame, at);
        connection.commit(at + frame.length);
      },
      drain: () => {}, ended: () => connection.end(), closed: () => {},
    }), {}, realEnv());
    console.log("ready");
  `;
  const args = [...process.execArgv, "--input-type=module", "-e", program, text];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child;
}

test(
  "of who dies and had not read all, more than is read in a turn comes, and then the end",
  { skip },
  async (t) => {
    const { text } = place(t);
    const accepted = Promise.withResolvers<Connection>();
    const listener = await listen(text, accepted.resolve);
    const near = new Recorder(await dial(text)).open();
    const far = new Recorder(await accepted.promise).open();
    const sent = Array.from({ length: 200 }, (_, index) => numbered(index, 10));
    send(near.connection, numbered(0, 10));
    for (const frame of sent) send(far.connection, frame);
    await new Promise<void>((done) => env.defer(done));
    far.connection.destroy("it dies");
    await near.until(() => near.closings.length > 0);
    equal(near.reason?.kind, "lost");
    deepEqual(near.frames, sent);
    await listener.close();
  },
);

test(
  "a killed peer is lost, who it was is known, and its socket is taken over",
  { skip },
  async (t) => {
    const { folder, text } = place(t);
    const child = await echoing(t, text);
    const near = new Recorder(await dial(text)).open();
    const { pid, uid, gid } = near.connection.peer;
    deepEqual([pid, uid, gid], [child.pid, process.getuid!(), process.getgid!()]);
    const sent = [numbered(1, 0), numbered(2, packetBytesMax), numbered(3, 5)];
    for (const frame of sent) send(near.connection, frame);
    await near.until(() => near.frames.length === sent.length);
    deepEqual(near.frames, sent);
    child.kill("SIGKILL");
    await near.until(() => near.reason !== undefined);
    deepEqual([near.reason!.kind, near.ends], ["lost", 0]);
    // Its connection may be gone before its listener is.
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    const leftOver = { code: "UNAVAILABLE", executed: "no", message: /left over from pid \d+/ };
    await rejects(dial(text), leftOver);
    const listener = await listen(text, () => {});
    equal(statSync(`${folder}/x.sock`).mode & 0o777, 0o660);
    await listener.close();
    deepEqual(readdirSync(folder), []);
  },
);

test("a socket of the other type is refused by name, both ways", { skip }, async (t) => {
  const { folder, path, text } = place(t);
  const stream = parseAddress(`unix:${path}`);
  const refused = { code: "INVALID_ARGUMENT", executed: "no", message: /of another type/ };
  const ours = await listen(text, () => {});
  await rejects(unix().dial(stream, { until: env.now() + 10_000 }, env), refused);
  await ours.close();
  const theirs = await unix().listen(stream, () => {}, {}, env);
  await rejects(dial(text), refused);
  await rejects(
    listen(text, () => {}),
    { code: "UNAVAILABLE", message: /in use/ },
  );
  await theirs.close();
  deepEqual(readdirSync(folder), []);
});

test(
  "who comes when the system gives less room than before is closed, and who comes later is served",
  { skip },
  async (t) => {
    const { text } = place(t);
    const os = addon()!;
    const { socketRoom } = os;
    let connections = 0;
    const listener = await listen(text, () => connections++);
    let asked = 0;
    // Of the one that dials, then of the one that is accepted.
    t.mock.method(os, "socketRoom", (fd: number, option: number, bytes: number) =>
      ++asked === 2 ? 1_024 : socketRoom(fd, option, bytes),
    );
    const first = new Recorder(await dial(text)).open();
    await first.until(() => first.reason !== undefined);
    equal(connections, 0);
    const second = await dial(text);
    await listener.close();
    equal(connections, 1);
    second.destroy("over");
  },
);

/** What a peer sends that breaks the rules. */
const breaches: Readonly<Record<string, (fd: number) => void>> = {
  "a packet of another kind": (fd) => put(fd, Buffer.of(7, 1)),
  "a question that goes on": (fd) => put(fd, Buffer.of(1, 1)),
  "a packet that is too large": (fd) => put(fd, Buffer.alloc(packetBytesMax + 2)),
  descriptors: (fd) => put(fd, Buffer.of(0, 1), [fd, fd, fd]),
};

function put(fd: number, bytes: Buffer, fds: readonly number[] = []): void {
  equal(addon()!.socketSend(fd, bytes, 0, bytes.length, fds, ""), bytes.length);
}

for (const [what, breach] of Object.entries(breaches)) {
  test(
    `a peer that sends ${what} is hung up on, and nothing is delivered or stays open`,
    { skip },
    async (t) => {
      const { path, text } = place(t);
      const os = addon()!;
      const accepted = Promise.withResolvers<Connection>();
      const listener = await listen(text, accepted.resolve);
      const fd = os.socketOpen(os.packet);
      os.socketRoom(fd, os.sendRoom, 2 * packetBytesMax);
      equal(os.socketConnect(fd, path), 0);
      const far = new Recorder(await accepted.promise);
      const before = readdirSync("/proc/self/fd").length;
      breach(fd);
      far.open();
      await far.until(() => far.reason !== undefined);
      deepEqual([far.reason!.kind, far.frames.length], ["broken", 0]);
      equal(readdirSync("/proc/self/fd").length, before - 1);
      os.descriptorClose(fd);
      await listener.close();
    },
  );
}

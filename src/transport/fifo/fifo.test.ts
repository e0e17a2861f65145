import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";

import { realEnv } from "../../base/real-env.ts";
import { parseAddress } from "../address.ts";
import { numbered, send } from "../suite/frames.ts";
import { Recorder } from "../suite/recorder.ts";
import type { Connection } from "../transport.ts";
import { fifo } from "./index.ts";
import { newWord, pipesOf } from "./meeting.ts";
import { makePipe, openPipe } from "./named-pipe.ts";

const env = realEnv();
const url = (path: string): string => pathToFileURL(join(import.meta.dirname, path)).href;

/** Listens at the address that it is given, or dials it, and sends back what it gets. */
const program = `
  const { fifo } = await import(${JSON.stringify(url("fifo.ts"))});
  const { parseAddress } = await import(${JSON.stringify(url("../address.ts"))});
  const { realEnv } = await import(${JSON.stringify(url("../../base/real-env.ts"))});
  const env = realEnv();
  const [, role, text] = process.argv;
  const echo = (connection) => connection.open({
    frame: (memory, from, to) => {
      const frame = Buffer.from(memory.subarray(from, to));
      const at = connection.claim(frame.length);
      connection.outgoing.set(frame, at);
      connection.commit(at + frame.length);
    },
    drain: () => {}, ended: () => connection.end(), closed: () => {},
  });
  const address = parseAddress(text);
  if (role === "listen") await fifo().listen(address, echo, {}, env);
  else echo(await fifo().dial(address, { until: env.now() + 10_000 }, env));
  console.log("ready");
`;

async function other(t: TestContext, role: "listen" | "dial", text: string): Promise<ChildProcess> {
  const args = [...process.execArgv, "--input-type=module", "-e", program, role, text];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child;
}

function place(t: TestContext): { folder: string; text: string } {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return { folder, text: `fifo:${folder}/x.fifo` };
}

async function dialled(text: string): Promise<Recorder> {
  const until = env.now() + 10_000;
  return new Recorder(await fifo().dial(parseAddress(text), { until }, env)).open();
}

test("a killed listener is lost to whom it was connected, and its pipe is taken over", async (t) => {
  const { folder, text } = place(t);
  const child = await other(t, "listen", text);
  const near = await dialled(text);
  send(near.connection, numbered(1, 100_000));
  await near.until(() => near.frames.length === 1);
  deepEqual(near.frames, [numbered(1, 100_000)]);
  equal(near.connection.peer.uid, process.getuid!());
  child.kill("SIGKILL");
  await near.until(() => near.reason !== undefined);
  deepEqual([near.reason!.kind, near.ends], ["lost", 0]);
  // Its connection may be gone before its listener is.
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  await rejects(dialled(text), {
    code: "UNAVAILABLE",
    executed: "no",
    message: /left over from pid \d+, which has ended/,
  });
  const listener = await fifo().listen(parseAddress(text), () => {}, {}, env);
  await listener.close();
  deepEqual(readdirSync(folder), []);
});

test("a killed dialler is lost to whom it was connected", async (t) => {
  const { folder, text } = place(t);
  const accepted = Promise.withResolvers<Connection>();
  const listener = await fifo().listen(parseAddress(text), accepted.resolve, {}, env);
  const child = await other(t, "dial", text);
  const far = new Recorder(await accepted.promise).open();
  send(far.connection, numbered(1, 10));
  await far.until(() => far.frames.length === 1);
  child.kill("SIGKILL");
  await far.until(() => far.reason !== undefined);
  equal(far.reason!.kind, "lost");
  await listener.close();
  deepEqual(readdirSync(folder), []);
});

test("a peer that dies after it has ended is lost too", async (t) => {
  const { text } = place(t);
  const accepted = Promise.withResolvers<Connection>();
  const listener = await fifo().listen(parseAddress(text), accepted.resolve, {}, env);
  const near = await dialled(text);
  const far = new Recorder(await accepted.promise).open();
  near.connection.end();
  await far.until(() => far.ends === 1);
  near.connection.destroy("it dies");
  await far.until(() => far.reason !== undefined);
  equal(far.reason!.kind, "lost");
  await listener.close();
});

test("pipes that a dead dialler has left are removed, those of others stay, and all have mode 0600", async (t) => {
  const { folder, text } = place(t);
  const left = pipesOf(`${folder}/x.fifo`, newWord(env.random))!;
  const foreign = pipesOf(`${folder}/y.fifo`, newWord(env.random))!;
  for (const path of [left.up, left.down, foreign.up]) await makePipe(path);
  const listener = await fifo().listen(parseAddress(text), () => {}, {}, env);
  equal(statSync(`${folder}/x.fifo`).mode & 0o777, 0o600);
  equal(statSync(foreign.up).mode & 0o777, 0o600);
  await listener.close();
  deepEqual(readdirSync(folder), [foreign.up.slice(folder.length + 1)]);
});

test("what is announced and is no pipe is nobody's", async (t) => {
  const { folder, text } = place(t);
  let connections = 0;
  const listener = await fifo().listen(parseAddress(text), () => connections++, {}, env);
  const word = newWord(env.random);
  const names = pipesOf(`${folder}/x.fifo`, word)!;
  for (const name of [names.up, names.down]) writeFileSync(name, "no pipe");
  const lines = ["../../etc/passwd", "x".repeat(4_000), word, newWord(env.random), "", "\0"];
  for (const line of lines) writeFileSync(`${folder}/x.fifo`, `${line}\n`, { flag: "a" });
  const near = await dialled(text);
  ok(near.connection.writable);
  equal(connections, 1);
  near.connection.destroy("over");
  await listener.close();
});

test("who announces itself and cannot be answered does not disturb who listens", async (t) => {
  const { folder, text } = place(t);
  let connections = 0;
  const listener = await fifo().listen(parseAddress(text), () => connections++, {}, env);
  const word = newWord(env.random);
  const names = pipesOf(`${folder}/x.fifo`, word)!;
  for (const name of [names.up, names.down]) await makePipe(name);
  const full = openPipe(names.down, "both");
  throws(() => {
    for (;;) writeSync(full, Buffer.alloc(4_096));
  });
  writeFileSync(`${folder}/x.fifo`, `${word}\n`, { flag: "a" });
  const near = await dialled(text);
  equal(connections, 1);
  equal(existsSync(names.down), false);
  closeSync(full);
  near.connection.destroy("over");
  await listener.close();
});

test("a place that holds something else is refused by name", async (t) => {
  const { folder, text } = place(t);
  writeFileSync(`${folder}/x.fifo`, "a file");
  const refused = { code: "INVALID_ARGUMENT", executed: "no", message: /place of the pipe/ };
  await rejects(dialled(text), refused);
  await rejects(
    fifo().listen(parseAddress(text), () => {}, {}, env),
    refused,
  );
  match(readdirSync(folder).join(), /^x\.fifo$/);
});

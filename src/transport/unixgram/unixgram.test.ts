import { deepEqual, equal, rejects } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { realEnv } from "../../base/real-env.ts";
import { addon, addonProblem } from "../../os/addon.ts";
import { parseAddress } from "../address.ts";
import { Mailbox } from "../suite/mailbox.ts";
import type { DatagramReceiver } from "../transport.ts";
import { unixgram } from "./index.ts";

const env = realEnv();
const root = process.geteuid!() === 0;
const soon = { timeout: 60_000, skip: addonProblem() ?? false };
const asRoot = { ...soon, skip: root ? soon.skip : "needs root" };
const nobody = 65_534;

interface Place {
  readonly path: string;
  readonly mailbox: Mailbox;
  readonly receiver: DatagramReceiver;
}

/** Somebody receives in a folder that all may enter. */
async function receive(t: TestContext, mode: number): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  chmodSync(folder, 0o755);
  const path = join(folder, "x.sock");
  const mailbox = new Mailbox();
  const address = parseAddress(`unixgram:${path}`);
  const { datagrams } = unixgram({ mode });
  const receiver = await datagrams!.receive(address, mailbox.hear, {}, env);
  t.after(() => receiver.close());
  return { path, mailbox, receiver };
}

/** A process that sends "before", becomes another user, and sends what comes of that; its pid. */
async function sendAs(t: TestContext, path: string, uid: number): Promise<number> {
  const program = `
    import { unixgram } from ${JSON.stringify(import.meta.resolve("./index.ts"))};
    import { realEnv } from ${JSON.stringify(import.meta.resolve("../../base/real-env.ts"))};
    import { parseAddress } from ${JSON.stringify(import.meta.resolve("../address.ts"))};
    const env = realEnv();
    const [address, uid] = process.argv.slice(1);
    const sender = await unixgram().datagrams.sender(parseAddress(address), {}, env);
    const send = (text) => sender.send(Buffer.from(text), env.now() + 30_000);
    await send("before");
    if (Number(uid) !== process.getuid()) process.setgid(Number(uid)), process.setuid(Number(uid));
    await send("after");
    sender.close();
  `;
  const node = [...process.execArgv, "--input-type=module", "-e", program];
  const child = spawn(process.execPath, [...node, `unixgram:${path}`, String(uid)], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  deepEqual(await once(child, "exit"), [0, null]);
  return child.pid!;
}

function told({ mailbox }: Place): object[] {
  return mailbox.datagrams.map((datagram, index) => {
    const { pid, uid, gid } = mailbox.peers[index]!;
    return [datagram.toString(), pid, uid, gid];
  });
}

test("of each datagram it is told whose process has sent it", soon, async (t) => {
  const place = await receive(t, 0o600);
  const [uid, gid] = [process.getuid!(), process.getgid!()];
  const pid = await sendAs(t, place.path, uid);
  await place.mailbox.until(() => place.mailbox.datagrams.length === 2);
  deepEqual(told(place), [
    ["before", pid, uid, gid],
    ["after", pid, uid, gid],
  ]);
  equal(place.mailbox.peers[0], place.mailbox.peers[1], "it is the same one");
});

test("where all may send, it is told as whom a process has sent each", asRoot, async (t) => {
  const place = await receive(t, 0o666);
  const pid = await sendAs(t, place.path, nobody);
  await place.mailbox.until(() => place.mailbox.datagrams.length === 2);
  deepEqual(told(place), [
    ["before", pid, 0, 0],
    ["after", pid, nobody, nobody],
  ]);
});

test(
  "where only the user may send, a process that has become another one is a stranger",
  asRoot,
  async (t) => {
    const place = await receive(t, 0o600);
    const pid = await sendAs(t, place.path, nobody);
    await place.receiver.close();
    deepEqual(told(place), [["before", pid, 0, 0]]);
    equal(place.receiver.dropped, 1);
  },
);

test("root is no stranger to anybody", asRoot, async (t) => {
  process.seteuid!(nobody);
  t.after(() => process.seteuid!(0));
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  const mailbox = new Mailbox();
  const address = parseAddress(`unixgram:${folder}/x.sock`);
  const receiver = await unixgram().datagrams!.receive(address, mailbox.hear, {}, env);
  process.seteuid!(0);
  t.after(() => rmSync(folder, { recursive: true }));
  t.after(() => receiver.close());
  const pid = await sendAs(t, address.place, 0);
  await mailbox.until(() => mailbox.datagrams.length === 2);
  deepEqual(
    mailbox.peers.map(({ uid, pid: from }) => [uid, from]),
    [
      [0, pid],
      [0, pid],
    ],
  );
});

test(
  "where no more files may be opened it is refused by name, and what is refused leaves nothing open",
  soon,
  async (t) => {
    const datagrams = unixgram().datagrams!;
    const { path } = await receive(t, 0o600);
    const address = parseAddress(`unixgram:${path}`);
    const before = readdirSync("/proc/self/fd").length;
    await rejects(datagrams.sender(address, { waitingMax: 0 }, env), { code: "INVALID_ARGUMENT" });
    equal(readdirSync("/proc/self/fd").length, before);
    t.mock.method(addon()!, "socketOpen", () => {
      throw Object.assign(new Error("socket EMFILE"), { code: "EMFILE" });
    });
    const refused = { code: "RESOURCE_EXHAUSTED", executed: "no" };
    await rejects(datagrams.sender(address, {}, env), refused);
    await rejects(
      datagrams.receive(address, () => {}, {}, env),
      refused,
    );
  },
);

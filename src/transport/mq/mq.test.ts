import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";

import { realEnv } from "../../base/real-env.ts";
import { addon, addonProblem } from "../../os/addon.ts";
import { parseAddress } from "../address.ts";
import { Mailbox } from "../suite/mailbox.ts";
import type { DatagramReceiver, DatagramSender } from "../transport.ts";
import { mq } from "./index.ts";
import { queueLimits } from "./limits.ts";

const env = realEnv();
const skip = addonProblem() ?? false;
let names = 0;

/** An address of its own, whose queue is gone when the test is over. */
function place(t: TestContext): string {
  const name = `/trunkline-test-${process.pid}-${++names}`;
  t.after(() => addon()!.queueRemove(name));
  return `mq:${name}`;
}

const receive = (text: string, mailbox: Mailbox): Promise<DatagramReceiver> =>
  mq().datagrams!.receive(parseAddress(text), mailbox.hear, {}, env);

const sender = (text: string): Promise<DatagramSender> =>
  mq().datagrams!.sender(parseAddress(text), {}, env);

test(
  "what is sent while nobody receives, or to one that was killed, waits for the next",
  { skip },
  async (t) => {
    const text = place(t);
    const url = (path: string): string =>
      JSON.stringify(pathToFileURL(join(import.meta.dirname, path)).href);
    const program = `
    const { mq } = await import(${url("mq.ts")});
    const { parseAddress } = await import(${url("../address.ts")});
    const { realEnv } = await import(${url("../../base/real-env.ts")});
    await mq().datagrams.receive(parseAddress(process.argv[1]), () => console.log("heard"), {}, realEnv());
    console.log("ready");
  `;
    const args = [...process.execArgv, "--input-type=module", "-e", program, text];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => child.kill("SIGKILL"));
    await once(child.stdout, "data");
    const mailbox = new Mailbox();
    await rejects(receive(text, mailbox), { code: "UNAVAILABLE", message: /in use/ });
    const out = await sender(text);
    await out.send(Buffer.from("to the first"), env.now() + 10_000);
    await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "exit");
    await out.send(Buffer.from("to the next"), env.now() + 10_000);
    const next = await receive(text, mailbox);
    await mailbox.until(() => mailbox.datagrams.length === 1);
    equal(String(mailbox.datagrams[0]), "to the next");
    await next.close();
    out.close();
  },
);

test(
  "where there is no queue a datagram is refused, and goes when there is one",
  { skip },
  async (t) => {
    const text = place(t);
    const out = await sender(text);
    await rejects(out.send(Buffer.from("a"), env.now() + 10_000), {
      code: "UNAVAILABLE",
      executed: "no",
      message: /no such queue/,
    });
    const mailbox = new Mailbox();
    const receiver = await receive(text, mailbox);
    await out.send(Buffer.from("b"), env.now() + 10_000);
    await receiver.close();
    deepEqual(mailbox.datagrams.map(String), ["b"]);
    out.close();
  },
);

test(
  "bounds that are asked for hold, others than those that are there are refused, and so is more than all may take",
  { skip },
  async (t) => {
    const text = place(t);
    const small = await receive(`${text}?messages=2&bytes=10`, new Mailbox());
    const out = await sender(text);
    equal(out.bytesMax, 10);
    out.close();
    await small.close();
    await rejects(receive(`${text}?messages=3`, new Mailbox()), {
      code: "INVALID_ARGUMENT",
      message: /for 2 messages of 10 bytes, not for 3/,
    });
    await rejects(receive(`${text}?messages=none`, new Mailbox()), { code: "INVALID_ARGUMENT" });
    const { userBytesMax } = queueLimits();
    if (userBytesMax === Infinity) return;
    const refused = await receive(`${place(t)}?messages=900000&bytes=8192`, new Mailbox()).then(
      () => undefined,
      (error: unknown) => error as { code: string; advice: string },
    );
    // Who may pass the limits of queues (root) is held by that of the user.
    match(refused!.code, /^(INVALID_ARGUMENT|RESOURCE_EXHAUSTED)$/);
    match(refused!.advice, /\?messages=…&bytes=…/);
  },
);

test(
  "a queue that another user has made is not taken for this user's own",
  { skip: process.getuid!() === 0 ? skip : "needs root" },
  async (t) => {
    const text = place(t);
    const os = addon()!;
    process.seteuid!(65_534);
    try {
      os.descriptorClose(os.queueOpen(parseAddress(text).place, 2, true, 0o666, 1, 10));
    } finally {
      process.seteuid!(0);
    }
    const refused = {
      code: "PERMISSION_DENIED",
      executed: "no",
      message: /user 65534 has made it/,
    };
    await rejects(receive(text, new Mailbox()), refused);
    const ours = mq({ mode: 0o660 }).datagrams!;
    await (await ours.receive(parseAddress(text), () => {}, {}, env)).close();
  },
);

test(
  "who sends goes on with the queue that is there when the one before was removed",
  { skip },
  async (t) => {
    const text = place(t);
    const { place: name } = parseAddress(text);
    const mailbox = new Mailbox();
    const first = await receive(`${text}?messages=1&bytes=100`, mailbox);
    const out = await sender(text);
    first.pause!();
    await out.send(Buffer.from("lost with its queue"), env.now() + 10_000);
    const waiting = out.send(Buffer.from("waits"), env.now() + 10_000);
    addon()!.queueRemove(name);
    await rejects(out.send(Buffer.from("no queue"), env.now()), { code: "RESOURCE_EXHAUSTED" });
    const second = await receive(text, mailbox);
    await first.close();
    await waiting;
    await out.send(Buffer.from("comes"), env.now() + 10_000);
    await mailbox.until(() => mailbox.datagrams.length === 3);
    deepEqual(mailbox.datagrams.map(String), ["lost with its queue", "waits", "comes"]);
    await second.close();
    addon()!.queueRemove(name);
    await rejects(out.send(Buffer.from("nowhere"), env.now() + 10_000), { code: "UNAVAILABLE" });
    out.close();
  },
);

test(
  "who closes while he hears, and receives elsewhere at once, hears there what was sent there",
  { skip },
  async (t) => {
    const [one, two] = [place(t), place(t)];
    const mailbox = new Mailbox();
    const heard: string[] = [];
    for (const text of [one, two]) {
      await (await receive(text, new Mailbox())).close();
      const out = await sender(text);
      for (const what of ["a", "b"])
        await out.send(Buffer.from(`${text} ${what}`), env.now() + 1_000);
      out.close();
    }
    const next = Promise.withResolvers<DatagramReceiver>();
    const { datagrams } = mq();
    const first = await datagrams!.receive(
      parseAddress(one),
      (memory, from, to) => {
        heard.push(memory.toString("latin1", from, to));
        if (heard.length > 1) return;
        void first.close();
        next.resolve(receive(two, mailbox));
      },
      {},
      env,
    );
    await mailbox.until(() => mailbox.datagrams.length === 2);
    deepEqual(heard, [`${one} a`, `${one} b`]);
    await (await next.promise).close();
  },
);

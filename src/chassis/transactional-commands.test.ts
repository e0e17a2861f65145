import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { attribute } from "../broker/attributes.ts";
import type { Envelope } from "../broker/envelope.ts";
import { channel } from "../broker/channel.ts";
import { serve, type Service } from "../call/serve.ts";
import { serveOlder } from "../call/serve-older.ts";
import { command, contract, event } from "../contract/index.ts";
import { on } from "../messaging/on.ts";
import { InboxLab } from "./testing/inbox-lab.ts";

const Order = z.object({ id: z.string() });
const Depot = contract(
  "depot",
  { version: "1.0.0" },
  {
    ship: command({
      in: Order,
      out: z.object({ parcel: z.string() }),
      errors: { LOST: z.string() },
    }),
    pay: command({ in: Order, out: z.number(), idempotent: "by-key" }),
    shipped: event({ data: Order }),
  },
);
const id = "0192f1d4-0000-7000-8000-000000000001";

/** A command as it comes from the broker, and its replies. */
class Asker {
  readonly replies: Envelope[] = [];
  readonly #lab: InboxLab;
  #to = "";

  constructor(lab: InboxLab) {
    this.#lab = lab;
  }

  async open(): Promise<this> {
    const box = await this.#lab.broker.replies({ name: undefined }, (reply) =>
      this.replies.push(reply),
    );
    this.#to = box.address;
    return this;
  }

  async send(name: "ship" | "pay", order: string, given: Partial<Envelope> = {}): Promise<void> {
    await this.#lab.broker.publish([
      {
        channel: channel({ name: `depot.1.${name}`, shape: "queue" }),
        envelope: {
          id,
          type: `depot.${name}`,
          source: "/test",
          subject: undefined,
          time: 0,
          contentType: "application/json",
          data: Buffer.from(JSON.stringify({ id: order })),
          ...given,
          attributes: { [attribute.replyto]: this.#to, ...given.attributes },
        },
      },
    ]);
    await this.#lab.pass();
  }

  told(): string[] {
    return this.replies.map(
      ({ data, attributes }) =>
        `${attributes[attribute.outcome]} ${Buffer.from(data).toString("utf8")}`,
    );
  }
}

/** A process that ships and is paid. What is called `gone` is lost, what is called `broken` breaks at its first attempt. */
function depot(lab: InboxLab, ran: string[]): Service {
  return serve(
    Depot,
    {
      async ship(order, { tx, publish, errors }) {
        ran.push(order.id);
        lab.write(tx, order.id);
        await publish.shipped(order);
        if (order.id === "gone") throw errors.LOST("nowhere to be seen");
        if (order.id === "broken" && ran.length === 1) throw new Error("a wheel came off");
        return { parcel: `p-${ran.length}` };
      },
      pay(order, { tx }) {
        ran.push(order.id);
        lab.write(tx, order.id);
        return ran.length;
      },
    },
    { store: lab.db },
  );
}

test("IN-3: a command that comes again gets the same reply, in a process that knows nothing of it, and is done once", async () => {
  await using lab = await InboxLab.make();
  const asker = await new Asker(lab).open();
  const ran: string[] = [];
  const first = await lab.start([depot(lab, ran)]);
  await asker.send("ship", "o-1");
  await asker.send("ship", "o-1");
  await first.stop();
  await lab.start([depot(lab, ran)]);
  await asker.send("ship", "o-1");
  deepEqual(
    asker.told(),
    Array.from({ length: 3 }, () => 'OK {"parcel":"p-1"}'),
  );
  equal(new Set(asker.replies.map((reply) => reply.id)).size, 1);
  deepEqual(await lab.effects(), ["o-1"]);
  deepEqual(await lab.marks(), [`depot@1/ship: ${id}`]);
  deepEqual(lab.outcomes(), ["handled", "duplicate", "duplicate"]);
});

test("IN-3: mark, effects, reply and messages are committed together; the reply is sent after that, and the ack is last", async () => {
  await using lab = await InboxLab.make();
  const asker = await new Asker(lab).open();
  lab.faults.push("lost answer", "conflict");
  const heard: string[] = [];
  await lab.start([
    depot(lab, []),
    on(Depot.shipped, { group: "news", remembered: 0 }, ({ id: order }) => void heard.push(order)),
  ]);
  await asker.send("ship", "o-1");
  deepEqual(
    lab.log.filter((each) => each !== "ack"),
    ["mark", "write o-1", "outbox", "commit, unseen", "mark", "rollback", "mark", "commit"],
  );
  deepEqual(asker.told(), ['OK {"parcel":"p-1"}']);
  deepEqual(heard, ["o-1"]);
});

test("IN-3: a declared error takes the effects back, and is the reply, also of a repetition", async () => {
  await using lab = await InboxLab.make();
  const asker = await new Asker(lab).open();
  const ran: string[] = [];
  const first = await lab.start([depot(lab, ran)]);
  await asker.send("ship", "gone");
  await first.stop();
  await lab.start([depot(lab, ran)]);
  await asker.send("ship", "gone");
  const [told, again] = asker.told();
  equal(told, again);
  equal(told!.startsWith("LOST "), true);
  deepEqual(ran, ["gone"]);
  deepEqual(await lab.effects(), []);
  deepEqual(await lab.marks(), [`depot@1/ship: ${id}`]);
});

test("what a command breaks at is rolled back, tried again, and replied when it is done", async () => {
  await using lab = await InboxLab.make();
  const asker = await new Asker(lab).open();
  const ran: string[] = [];
  await lab.start([depot(lab, ran)]);
  await asker.send("ship", "broken");
  deepEqual(ran, ["broken", "broken"]);
  deepEqual(asker.told(), ['OK {"parcel":"p-2"}']);
  deepEqual(await lab.effects(), ["broken"]);
});

test("a command for which the store is away waits for it: no attempt is counted, and no incident is told", async () => {
  await using lab = await InboxLab.make();
  const asker = await new Asker(lab).open();
  for (let times = 0; times < 500; times++) lab.faults.push("away");
  await lab.start([depot(lab, [])]);
  await asker.send("ship", "o-1");
  await lab.pass(200_000);
  deepEqual(asker.told(), []);
  lab.faults.length = 0;
  await lab.pass();
  deepEqual(asker.told(), ['OK {"parcel":"p-1"}']);
  deepEqual([...new Set(lab.outcomes())], ["retry", "handled"]);
  equal(lab.told.at(-1)!.attempt, 1);
  deepEqual(lab.incidents, []);
});

test("a command that is idempotent by key is done once for its key, by whatever message it comes", async () => {
  await using lab = await InboxLab.make();
  const asker = await new Asker(lab).open();
  const ran: string[] = [];
  await lab.start([depot(lab, ran)]);
  const attributes = { [attribute.idempotencykey]: "invoice 7" };
  await asker.send("pay", "o-1", { attributes });
  await asker.send("pay", "o-1", { attributes, id: "0192f1d4-0000-7000-8000-000000000002" });
  deepEqual(asker.told(), ["OK 1", "OK 1"]);
  deepEqual(ran, ["o-1"]);
  deepEqual(await lab.marks(), ["depot@1/pay: key invoice 7"]);
});

test("a command of an older version is done in the transaction of the newer one's handler, and published there", async () => {
  await using lab = await InboxLab.make();
  const asker = await new Asker(lab).open();
  const Newer = contract(
    "depot",
    { version: "2.0.0" },
    {
      ship: command({ in: Order, out: z.object({ parcel: z.string() }) }),
      sent: event({ data: Order }),
    },
  );
  const Older = contract(
    "depot",
    { version: "1.0.0" },
    { ship: command({ in: Order, out: z.object({ parcel: z.string() }) }) },
  );
  const heard: string[] = [];
  const newer = serve(
    Newer,
    {
      async ship(order, { tx, publish }) {
        lab.write(tx, order.id);
        await publish.sent(order);
        return { parcel: order.id };
      },
    },
    { store: lab.db },
  );
  await lab.start([
    newer,
    serveOlder(Older, newer, {}),
    on(Newer.sent, { group: "news", remembered: 0 }, ({ id: order }) => void heard.push(order)),
  ]);
  await asker.send("ship", "o-1");
  await asker.send("ship", "o-1");
  deepEqual(asker.told(), ['OK {"parcel":"o-1"}', 'OK {"parcel":"o-1"}']);
  deepEqual(await lab.effects(), ["o-1"]);
  deepEqual(heard, ["o-1"]);
  deepEqual(await lab.marks(), [`depot@1/ship: ${id}`]);
});

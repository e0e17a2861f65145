import { deepEqual, rejects } from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";

import { contract, document, event, notification } from "../contract/index.ts";
import { serve } from "../call/serve.ts";
import { on } from "../messaging/on.ts";
import { addon, addonProblem } from "../os/addon.ts";
import { chassis } from "./chassis.ts";
import { client, close } from "./client.ts";

const skip = addonProblem() ?? false;
const place = `/trunkline-chassis-${process.pid}`;
/** All queues of a user share 800 KiB, and other tests are under way. */
const bounds = "?messages=4&bytes=2000";
const Said = z.object({ text: z.string() });

const Labels = contract(
  "labels",
  { version: "1.0.0" },
  { print: document({ data: Said, delivery: "at-most-once" }) },
);

/** The queues of these tests, which outlive their processes. */
function removeQueues(...names: readonly string[]): void {
  for (const name of names) addon()!.queueRemove(name);
}

test(
  "a document goes to who handles it by a message queue, and what needs more does not start",
  { skip },
  async (t) => {
    t.after(() => removeQueues(`${place}.labels.1.print`));
    const printed = Promise.withResolvers<string>();
    const app = await chassis({
      name: "printer",
      messages: `mq:${place}${bounds}`,
      serve: [on(Labels.print, {}, ({ text }) => printed.resolve(text))],
      signals: false,
    });
    await app.publisher(Labels).print({ text: "fragile" });
    deepEqual(await printed.promise, "fragile");
    await app.stop();

    const Events = contract(
      "events",
      { version: "1.0.0" },
      { happened: event({ data: Said, delivery: "at-most-once" }) },
    );
    const start = chassis({
      name: "hearer",
      messages: `mq:${place}${bounds}`,
      serve: [on(Events.happened, { group: "all" }, () => {})],
      signals: false,
    });
    await rejects(start, /each of several hears it[^]*send it as a document/);
  },
);

test("a notification is handled that came by a message queue", { skip }, async (t) => {
  const name = `${place}-said`;
  t.after(() => removeQueues(name));
  const Notes = contract("notes", { version: "1.0.0" }, { say: notification({ in: Said }) });
  const said = Promise.withResolvers<string>();
  const app = await chassis({
    name: "notes",
    listen: `mq:${name}${bounds}`,
    signals: false,
    serve: [serve(Notes, { say: ({ text }) => said.resolve(text) })],
  });
  const notes = client(Notes, `mq:${name}`);
  await notes.say({ text: "hello" });
  deepEqual(await said.promise, "hello");
  await close(notes);
  await app.stop();
});

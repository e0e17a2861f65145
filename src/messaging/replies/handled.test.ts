import { deepEqual, equal, rejects } from "node:assert/strict";
import { suite, test } from "node:test";
import * as z from "zod";
import { sleep } from "../../base/alarm.ts";
import { systemError } from "../../base/error.ts";
import { contract, document, event } from "../../contract/index.ts";
import { park, reject, retryLater } from "../outcome.ts";
import { bind, Lab } from "./testing/lab.ts";

const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    placed: event({ data: z.object({ id: z.string() }), key: "id" }),
    label: document({ data: z.string() }),
  },
);
const known = (...groups: string[]) => ({ bindings: [bind(Orders.placed, { groups })] });
const handled = { receipt: "handled" } as const;

suite("handled receipts", () => {
  test("it settles when the groups that are known have said what became of it", async () => {
    await using lab = new Lab();
    await lab.on(Orders, "placed", { group: "billing" }, async () => sleep(lab.env, 300));
    await lab.on(Orders, "placed", { group: "fraud" }, () => reject("looks odd"));
    await lab.on(Orders, "placed", { group: "shipping" }, () => park("no such street"));
    const { publish } = await lab.asker(Orders, known("billing", "fraud", "shipping"));
    const receipt = await publish.placed({ id: "7" }, { ...handled, within: "5s" });
    deepEqual(receipt.groups, { fraud: "rejected", shipping: "parked", billing: "handled" });
    deepEqual(receipt.missing, []);
    equal(receipt.enqueued, "accepted");
    equal(Math.round(lab.env.now() / 100), 3);
  });

  test("who says nothing in time is missing, and others appear when they answer", async () => {
    await using lab = new Lab();
    await lab.on(Orders, "placed", { group: "other" }, () => undefined);
    await lab.on(Orders, "placed", { group: "slow" }, () => sleep(lab.env, 3_000));
    const asker = await lab.asker(Orders, known("slow", "absent"));
    const receipt = await asker.publish.placed({ id: "7" }, { ...handled, within: "1s" });
    deepEqual(receipt.groups, { other: "handled" });
    deepEqual(receipt.missing, ["slow", "absent"]);
    equal(Math.round(lab.env.now()), 1_000);
    await sleep(lab.env, 5_000);
    equal(await asker.late(), 1);
  });

  test("it is told of the end, not of attempts before it", async () => {
    await using lab = new Lab();
    let attempts = 0;
    await lab.on(Orders, "placed", { group: "billing" }, () =>
      ++attempts < 3 ? retryLater("1s") : undefined,
    );
    const { publish } = await lab.asker(Orders, known("billing"));
    const receipt = await publish.placed({ id: "7" }, handled);
    deepEqual([receipt.groups, attempts], [{ billing: "handled" }, 3]);
    equal(Math.round(lab.env.now() / 1_000), 2);
  });

  test("a document has one receiver, and its report is enough", async () => {
    await using lab = new Lab();
    await lab.on(Orders, "label", {}, () => undefined);
    const { publish } = await lab.asker(Orders);
    const receipt = await publish.label("fragile", handled);
    deepEqual(receipt.groups, { "orders.1.label": "handled" });
    const nobody = await lab.asker(
      contract("mail", { version: "1.0.0" }, { letter: document({ data: z.string() }) }),
    );
    const none = await nobody.publish.letter("dear", { ...handled, within: 50 });
    deepEqual([none.groups, none.missing], [{}, ["mail.1.letter"]]);
  });

  test("a message that is published without such a receipt is not reported", async () => {
    await using lab = new Lab();
    await lab.on(Orders, "placed", { group: "billing" }, () => undefined);
    const asker = await lab.asker(Orders, known("billing"));
    await asker.publish.placed({ id: "7" }, handled);
    await asker.publish.placed({ id: "8" });
    await lab.settle();
    equal(await asker.late(), 0);
  });

  test("what cannot be published fails as publishing does, and giving up leaves nothing behind", async () => {
    await using lab = new Lab();
    const failing = await lab.asker(Orders, {
      bent: () => ({
        publish: async (messages) =>
          messages.map(() => systemError("UNAVAILABLE", "it is full", { executed: "no" })),
      }),
    });
    const published = failing.publish.placed({ id: "7" }, handled);
    await rejects(published, { code: "UNAVAILABLE", executed: "no" });
    const { publish } = await lab.asker(Orders, { name: "other" });
    const controller = new AbortController();
    const options = { ...handled, signal: controller.signal };
    const given = rejects(publish.placed({ id: "8" }, options), { code: "CANCELLED" });
    await lab.settle();
    controller.abort();
    await given;
    equal(lab.env.alarms, 0);
  });
});

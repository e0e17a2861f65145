import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { suite, test } from "node:test";
import * as z from "zod";
import { sleep } from "../../base/alarm.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { contract, gather } from "../../contract/index.ts";
import { bind, Lab } from "./testing/lab.ts";

const Freight = contract(
  "freight",
  { version: "1.0.0" },
  {
    quote: gather({
      in: z.object({ grams: z.number() }),
      out: z.number().transform((cents) => cents * 10),
      errors: { TOO_HEAVY: z.object({ max: z.number() }) },
      deadline: "2s",
    }),
  },
);
const known = (...groups: string[]) => ({ bindings: [bind(Freight.quote, { groups })] });

/** A group that answers after so many milliseconds. */
function answers(lab: Lab, group: string, afterMs: number, value: unknown) {
  return lab.on(Freight, "quote", { group }, async (_question: never, errors) => {
    await sleep(lab.env, afterMs);
    if (value === "too heavy") throw errors["TOO_HEAVY"]!({ max: 5 });
    if (value === "broken") throw new Error("the scales broke");
    return value;
  });
}

suite("gathers", () => {
  test("all groups that are known answer, and it is over with the last of them", async () => {
    await using lab = new Lab();
    await answers(lab, "slow", 500, 1);
    await answers(lab, "fast", 10, 2);
    const { publish } = await lab.asker(Freight, known("slow", "fast"));
    const gathered = await publish.quote({ grams: 1 });
    deepEqual(gathered, {
      answers: [
        { from: "fast", value: 20 },
        { from: "slow", value: 10 },
      ],
      failures: [],
      missing: [],
      complete: true,
    });
    ok(lab.env.now() < 600);
  });

  test("the first answer, or a number of them, can be enough; later ones are dropped and counted", async () => {
    await using lab = new Lab();
    for (const [group, ms] of [
      ["a", 10],
      ["b", 20],
      ["c", 30],
    ] as const)
      await answers(lab, group, ms, ms);
    const asker = await lab.asker(Freight);
    const first = await asker.publish.quote({ grams: 1 }, { until: "first" });
    deepEqual(first.answers, [{ from: "a", value: 100 }]);
    equal(first.complete, true);
    const two = await asker.publish.quote({ grams: 1 }, { until: 2 });
    deepEqual(
      two.answers.map(({ from }) => from),
      ["a", "b"],
    );
    await sleep(lab.env, 1_000);
    equal(await asker.late(), 3);
  });

  test("until the deadline all that come are taken, known or not, and who is missing is named", async () => {
    await using lab = new Lab();
    await answers(lab, "here", 10, 1);
    await answers(lab, "unknown", 1_000, 2);
    await answers(lab, "late", 3_000, 3);
    const { publish } = await lab.asker(Freight, known("here", "late", "absent"));
    for (const until of ["deadline", "all"] as const) {
      const before = lab.env.now();
      const gathered = await publish.quote({ grams: 1 }, { until });
      deepEqual(
        gathered.answers.map(({ from }) => from),
        ["here", "unknown"],
      );
      deepEqual(gathered.missing, ["late", "absent"]);
      equal(gathered.complete, false);
      equal(Math.round(lab.env.now() - before), 2_000);
      await sleep(lab.env, 5_000);
    }
  });

  test("where no group is known it takes as long as it may, and nobody is missing", async () => {
    await using lab = new Lab();
    await answers(lab, "here", 10, 1);
    const { publish } = await lab.asker(Freight);
    const gathered = await publish.quote({ grams: 1 }, { deadline: "100ms" });
    deepEqual([gathered.answers.length, gathered.missing, gathered.complete], [1, [], true]);
    equal(Math.round(lab.env.now()), 100);
    const nobody = await lab.asker(Freight, { name: "other" });
    const first = await nobody.publish.quote({ grams: 1 }, { until: 2, deadline: 50 });
    deepEqual([first.answers.length, first.complete], [1, false]);
  });

  test("a failure is an answer, declared or not, but not one of those that are wanted", async () => {
    await using lab = new Lab();
    await answers(lab, "weak", 10, "too heavy");
    await answers(lab, "broken", 20, "broken");
    await answers(lab, "wrong", 30, "no number");
    await answers(lab, "fine", 40, 4);
    const { publish } = await lab.asker(Freight, known("weak", "broken", "wrong", "fine"));
    const gathered = await publish.quote({ grams: 9 }, { until: "first" });
    deepEqual(gathered.answers, [{ from: "fine", value: 40 }]);
    const [weak, broken, wrong] = gathered.failures;
    ok(weak?.error.code === "TOO_HEAVY");
    deepEqual([weak.from, weak.error.data.max, weak.error.operation], ["weak", 5, "freight.quote"]);
    deepEqual([broken?.from, broken?.error.code], ["broken", "INTERNAL"]);
    ok(!broken!.error.message.includes("scales"));
    equal(broken!.error.id, lab.incidents[0]!.id);
    deepEqual([wrong?.from, wrong?.error.code], ["wrong", "INTERNAL"]);
    equal(gathered.complete, true);
  });

  test("when all who are known have answered there are no more to come", async () => {
    await using lab = new Lab();
    await answers(lab, "weak", 10, "too heavy");
    await answers(lab, "fine", 20, 4);
    const { publish } = await lab.asker(Freight, known("weak", "fine"));
    const gathered = await publish.quote({ grams: 9 }, { until: 2 });
    deepEqual([gathered.answers.length, gathered.failures.length], [1, 1]);
    equal(gathered.complete, false);
    ok(lab.env.now() < 100);
  });

  test("a group that answers twice counts once", async () => {
    await using lab = new Lab();
    const twice: Envelope[] = [];
    await answers(lab, "a", 10, 1);
    await answers(lab, "b", 200, 2);
    const { publish } = await lab.asker(Freight, {
      ...known("a", "b"),
      bent: (broker) => ({
        replies: (terms, heard) =>
          broker.replies(terms, (reply) => {
            twice.push(reply);
            heard(reply);
            heard(reply);
          }),
      }),
    });
    const gathered = await publish.quote({ grams: 1 });
    deepEqual(
      gathered.answers.map(({ from }) => from),
      ["a", "b"],
    );
    equal(twice.length, 2);
  });

  test("who asks may give up, and what cannot be meant is refused", async () => {
    await using lab = new Lab();
    const { publish, close } = await lab.asker(Freight);
    const controller = new AbortController();
    const given = publish.quote({ grams: 1 }, { signal: controller.signal });
    await lab.settle();
    controller.abort(new Error("enough"));
    await rejects(given, { code: "CANCELLED", executed: "maybe" });
    for (const until of [0, -1, 1.5, Number.NaN, "some" as "all"])
      await rejects(publish.quote({ grams: 1 }, { until }), { code: "INVALID_ARGUMENT" });
    await rejects(publish.quote({ grams: "1" as unknown as number }), { code: "INVALID_ARGUMENT" });
    const waiting = rejects(publish.quote({ grams: 1 }), { code: "CANCELLED" });
    await lab.settle();
    await close();
    await waiting;
    equal(lab.env.alarms, 0);
  });

  test("nobody is asked when it is too late", async () => {
    await using lab = new Lab();
    let asked = 0;
    const { publish } = await lab.asker(Freight, known("a"));
    const none = await publish.quote({ grams: 1 }, { deadline: 50 });
    deepEqual(none.missing, ["a"]);
    await lab.on(Freight, "quote", { group: "a", from: "first" }, () => asked++);
    await sleep(lab.env, 1_000);
    equal(asked, 0);
  });
});

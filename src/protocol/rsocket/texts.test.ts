import { equal } from "node:assert/strict";
import { test } from "node:test";

import { memory } from "../../transport/memory/index.ts";
import { Stage } from "../suite/stage.ts";
import { rsocket } from "./index.ts";

test("half of a pair of surrogates arrives as it was sent: JSON can say it", async () => {
  const subject = { make: () => rsocket(memory()), address: () => "memory:texts" };
  await Stage.set(subject, async (stage) => {
    const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
    stage.services.answer(echo, (input) => input);
    const { caller } = await stage.pair();
    const text = "half of one: \ud800";
    equal(await caller.call(echo, text, stage.attempt()), text);
  });
});

import { deepEqual, match } from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import * as z from "zod";
import { serve } from "../call/serve.ts";
import { call, contract } from "../contract/index.ts";
import { chassis } from "./chassis.ts";
import { client, close } from "./client.ts";

const origin = new AsyncLocalStorage<string>();
/** Who asked, as the schema of the answer sees it. */
const read: (string | undefined)[] = [];

const Desk = contract(
  "desk",
  { version: "1.0.0" },
  {
    ask: call({
      in: z.string(),
      out: z.string().refine(() => read.push(origin.getStore()) > 0),
      errors: { NO: undefined },
    }),
  },
);

/** The connection is that of the first call, whose context all later answers come in. */
async function played(play: (ask: (input: string) => Promise<string>) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-"));
  const address = `unix:${join(folder, "desk.sock")}`;
  const refused = new Set<string>();
  const app = await chassis({
    name: "desk",
    listen: address,
    checkSent: false,
    signals: false,
    serve: [
      serve(Desk, {
        ask: (input, { errors, refuse }) => {
          if (input === "no") throw errors.NO();
          if (input === "again" && !refused.has(input)) {
            refused.add(input);
            throw refuse("UNAVAILABLE", "not now");
          }
          return input;
        },
      }),
    ],
  });
  const asking = client(Desk, address);
  await origin.run("first", () => asking.ask("first"));
  read.length = 0;
  await play((input) => asking.ask(input));
  await close(asking);
  await app.stop();
  await rm(folder, { recursive: true });
}

suite("where a call comes from", () => {
  test("an error shows who made the call", () =>
    played(async (ask) => {
      const placeOrder = async (): Promise<string> => {
        const answer = await ask("no");
        return answer;
      };
      const error = await placeOrder().then(String, (failure: Error) => failure.stack ?? "");
      match(error, /at async placeOrder/);
    }));

  test("the schema of its answer runs in its asynchronous context", () =>
    played(async (ask) => {
      await origin.run("second", () => ask("second"));
      deepEqual(read, ["second"]);
    }));

  test("a try that failed is told in its asynchronous context", async () => {
    const told: (string | undefined)[] = [];
    const hear = (event: unknown): void => {
      if ((event as { operation: string }).operation === "desk.ask") told.push(origin.getStore());
    };
    subscribe("trunkline:attempt", hear);
    try {
      await played(async (ask) => {
        await origin.run("second", () => ask("again"));
        deepEqual(read, ["second"]);
      });
    } finally {
      unsubscribe("trunkline:attempt", hear);
    }
    deepEqual(told, ["second"]);
  });
});

import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { isTrunklineError } from "../base/error.ts";
import { serve } from "../call/serve.ts";
import { serveOlder } from "../call/serve-older.ts";
import { call, contract } from "../contract/index.ts";
import { chassis } from "./chassis.ts";
import { client } from "./client.ts";

test("versions chain: the oldest is served by the newest", async () => {
  const Text = { errors: { NONE: z.string() } };
  const V1 = contract(
    "chain",
    { version: "1.0.0" },
    { get: call({ in: z.string(), out: z.string(), ...Text }) },
  );
  const V2 = contract(
    "chain",
    { version: "2.0.0" },
    { get: call({ in: z.array(z.string()), out: z.string(), ...Text }) },
  );
  const V3 = contract(
    "chain",
    { version: "3.0.0" },
    {
      find: call({
        in: z.object({ ids: z.array(z.string()) }),
        out: z.array(z.string()),
        errors: { EMPTY: undefined },
      }),
    },
  );
  const three = serve(V3, {
    find({ ids }, { errors }) {
      if (ids.includes("")) throw errors.EMPTY();
      return ids;
    },
  });
  const two = serveOlder(V2, three, {
    get: {
      to: "find",
      up: (ids) => ({ ids }),
      down: (found) => found.join("+"),
      errors: { EMPTY: (_, { errors }) => errors.NONE("2") },
    },
  });
  const one = serveOlder(V1, two, { get: { up: (id) => [id, "x"] } });
  await using _app = await chassis({
    name: "chain",
    listen: "memory:chain",
    signals: false,
    serve: [three, two, one],
  });
  await using oldest = client(V1, "memory:chain");
  equal(await oldest.get("a"), "a+x");
  await rejects(oldest.get(""), (error) => {
    if (!isTrunklineError(error)) return false;
    deepEqual([error.code, error.executed, error.data], ["NONE", "yes", "2"]);
    return true;
  });
});

test("an operation that the newer version lacks, and dates that are none, keep it from starting", async () => {
  const same = call({ in: z.int(), out: z.int() });
  const One = contract("desk", { version: "1.0.0" }, { same, old: call() });
  const Less = contract("desk", { version: "2.0.0" }, { same });
  const by = serve(Less, { same: (n) => n });
  const service = serveOlder(One, by, {} as never, {
    deprecated: "soon",
    sunset: "2027-06-31T25:00Z",
    link: "docs",
  });
  const starting = chassis({
    name: "desk",
    listen: "memory:never",
    signals: false,
    serve: [by, service],
  });
  await rejects(starting, (error) => {
    match(String(error), /desk\.old has no handler/);
    match(String(error), /desk@1: deprecated "soon" is not a date/);
    match(String(error), /desk@1: sunset "2027-06-31T25:00Z" is not a date/);
    match(String(error), /desk@1: link "docs" is not a URL/);
    return true;
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { intercept, type Context, type Handler, type Interceptor } from "./handler.ts";

test("a request passes the interceptors in the order of the list, and its answer in the other", async () => {
  const passed: string[] = [];
  const named =
    (name: string): Interceptor =>
    (next) =>
    async (input, context) => {
      passed.push(`${name} in`);
      const output = await next(`${String(input)}${name}`, context);
      passed.push(`${name} out`);
      return `${String(output)}${name}`;
    };
  const handler: Handler = async (input) => `[${String(input)}]`;
  const chain = intercept(handler, [named("a"), named("b")]);
  assert.equal(await chain("x", {} as Context), "[xab]ba");
  assert.deepEqual(passed, ["a in", "b in", "b out", "a out"]);
});

test("no interceptors cost nothing: the handler itself comes back", () => {
  const handler: Handler = async () => 1;
  assert.equal(intercept(handler, []), handler);
});

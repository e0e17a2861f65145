import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { channels, reportIncident } from "./diagnostics.ts";

test("an incident goes to whoever subscribed, and then it is no warning", async () => {
  const seen: unknown[] = [];
  const warnings: Error[] = [];
  const listen = (event: unknown): void => void seen.push(event);
  const warn = (warning: Error): void => void warnings.push(warning);
  channels.incident.subscribe(listen);
  process.on("warning", warn);
  const event = { id: "r-1", operation: "orders.place", error: new Error("it broke") };
  reportIncident(event);
  await new Promise(setImmediate);
  channels.incident.unsubscribe(listen);
  process.off("warning", warn);
  assert.deepEqual(seen, [event]);
  assert.deepEqual(warnings, []);
});

test("without a subscriber an incident becomes a warning of the process, with the id and the stack", async () => {
  const warned = once(process, "warning") as Promise<[Error]>;
  reportIncident({ id: "r-2", operation: "orders.place", error: new RangeError("it broke") });
  const [warning] = await warned;
  assert.equal(warning.name, "TrunklineIncident");
  assert.match(warning.message, /^orders\.place threw \(report r-2\): RangeError: it broke\n/);
  assert.match(warning.message, /diagnostics\.test\.ts/);
});

test("whatever was thrown is told: no error, nothing, or something that cannot be made text", async () => {
  const unshowable = {
    [Symbol.for("nodejs.util.inspect.custom")](): string {
      throw new Error("not me");
    },
  };
  const thrown = [
    "a text",
    undefined,
    null,
    7,
    { a: 1 },
    Object.create(null),
    Symbol("s"),
    unshowable,
  ];
  for (const error of thrown) {
    const warned = once(process, "warning") as Promise<[Error]>;
    reportIncident({ id: "r-3", operation: "orders.place", error });
    const [warning] = await warned;
    assert.match(warning.message, /^orders\.place threw \(report r-3\): /);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { beginTrace, childTrace, parseTraceparent } from "./trace.ts";
import { VirtualEnv } from "./virtual-env.ts";

const example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

test("the header of the standard's example is read and written back", () => {
  const trace = parseTraceparent(example)!;
  assert.equal(trace.traceId, "4bf92f3577b34da6a3ce929d0e0e4736");
  assert.equal(trace.spanId, "00f067aa0ba902b7");
  assert.equal(trace.flags, 1);
  assert.equal(trace.traceparent, example);
  assert.equal(JSON.stringify({ trace }), `{"trace":"${example}"}`);
});

test("a new trace has an id of its own, and its calls have their own in it", () => {
  const env = new VirtualEnv(1);
  const [one, two] = [beginTrace(env), beginTrace(env)];
  assert.notEqual(one.traceId, two.traceId);
  const child = childTrace(one, env);
  assert.equal(child.traceId, one.traceId);
  assert.notEqual(child.spanId, one.spanId);
  assert.equal(child.flags, one.flags);
  for (const { traceparent } of [one, two, child]) {
    assert.match(traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-02$/);
    assert.equal(parseTraceparent(traceparent)?.traceparent, traceparent);
  }
});

test("neither id is ever all zeros, also when chance says so", () => {
  const unlucky = Object.assign(new VirtualEnv(), { random: () => 0 });
  const trace = beginTrace(unlucky);
  assert.ok(parseTraceparent(trace.traceparent) !== undefined);
  assert.ok(parseTraceparent(childTrace(trace, unlucky).traceparent) !== undefined);
});

test("a header of a later version is read as far as it is known", () => {
  const later = `cc${example.slice(2)}-what-the-future-brings`;
  assert.equal(parseTraceparent(later)?.traceId, "4bf92f3577b34da6a3ce929d0e0e4736");
});

test("a header that is not valid is as good as none", () => {
  const wrong = [
    "",
    "00",
    example.slice(0, -1),
    example.toUpperCase(),
    ` ${example}`,
    `ff${example.slice(2)}`,
    example.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0".repeat(32)),
    example.replace("00f067aa0ba902b7", "0".repeat(16)),
    example.replaceAll("-", "_"),
    `${example}x`,
    `${example}-more`,
  ];
  for (const header of wrong) assert.equal(parseTraceparent(header), undefined, header);
});

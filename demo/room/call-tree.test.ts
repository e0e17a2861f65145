import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import type { Span } from "../contracts/recorder.ts";
import { callTree, processesOf, wider } from "./call-tree.ts";
import { treeText } from "./tree-text.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";

function span(process: string, side: Span["side"], id: string, more: Partial<Span> = {}): Span {
  const plain = { operation: `desk.${id}`, kind: "call", over: "unix", endedAt: 1_000, us: 500 };
  return { process, side, id, ...(plain as Pick<Span, keyof typeof plain>), ...more };
}

const both = [
  span("room", "client", "a", { us: 42_000 }),
  span("tower", "server", "a"),
  span("tower", "client", "c", { parent: "a", endedAt: 1_009, kind: "upload", over: "service" }),
  span("archive", "server", "c", { over: "tls" }),
  span("tower", "client", "b", { parent: "a", endedAt: 1_004 }),
];

test("what each process remembers becomes a tree, in the order in which it began", () => {
  deepEqual(treeText(callTree(trace, both)!), [
    `one request  through 4 processes and threads: ${trace}`,
    "room",
    "└─ tower       desk.a  call    unix  42.0 ms",
    "   ├─ ?        desk.b  call    unix   500 µs",
    "   └─ archive  desk.c  upload  tls    500 µs",
  ]);
});

test("without the request that began it there is no tree", () => {
  equal(callTree(trace, both.slice(1)), undefined);
  equal(callTree(trace, []), undefined);
});

test("the one through more processes is kept, and of two alike the later one", () => {
  const [narrow, wide] = [callTree(trace, both.slice(0, 2))!, callTree(trace, both)!];
  deepEqual([processesOf(narrow).size, processesOf(wide).size], [2, 4]);
  equal(wider(wide, narrow), wide);
  equal(wider(narrow, wide), wide);
  equal(wider(wide, { ...wide })?.trace, trace);
  equal(wider(undefined, narrow), narrow);
});

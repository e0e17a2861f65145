import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { Router } from "./router.ts";

const paths = [
  "/orders",
  "/orders/{orderId}",
  "/orders/watch",
  "/orders/{orderId}/lines/{lineId}",
  "/orders/{orderId}/watch",
  "/{tenant}/settings",
];

function routed(): Router<string> {
  const router = new Router<string>();
  for (const path of paths) router.at(path, () => path);
  return router;
}

test("a path is found by its segments, fixed ones before parameters", () => {
  const router = routed();
  const cases: [asked: string, found: string | undefined, values: string[]][] = [
    ["/orders", "/orders", []],
    ["/orders/7", "/orders/{orderId}", ["7"]],
    ["/orders/watch", "/orders/watch", []],
    ["/orders/%77atch", "/orders/{orderId}", ["%77atch"]],
    ["/orders/watch/watch", "/orders/{orderId}/watch", ["watch"]],
    ["/orders/a%2Fb/lines/2", "/orders/{orderId}/lines/{lineId}", ["a%2Fb", "2"]],
    ["/orders/settings", "/orders/{orderId}", ["settings"]],
    ["/acme/settings", "/{tenant}/settings", ["acme"]],
    ["/acme", undefined, []],
    ["/orders/7/lines", undefined, []],
    ["/orders/7/lines/2/3", undefined, []],
    ["/orders/", undefined, []],
    ["/orders//watch", undefined, []],
    ["//orders", undefined, []],
    ["/", undefined, []],
    ["", undefined, []],
  ];
  for (const [asked, found, values] of cases) {
    const texts: string[] = [];
    equal(router.find(asked, texts), found, asked);
    deepEqual(texts, values, asked);
  }
});

test("paths that differ in the names of their parameters are one", () => {
  const router = routed();
  equal(
    router.at("/orders/{id}", () => "another"),
    "/orders/{orderId}",
  );
});

test("a path of a hundred thousand segments is found to be none without a search", () => {
  const router = routed();
  equal(router.find("/orders".repeat(100_000), []), undefined);
});

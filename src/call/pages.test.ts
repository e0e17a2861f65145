import { deepEqual, rejects } from "node:assert/strict";
import { test } from "node:test";
import { pages } from "./pages.ts";

interface Asked {
  readonly limit: number;
  readonly cursor?: string;
}

/** Answers 0, 1, 2… up to `last`, so many at a time. */
function lister(last: number) {
  const asked: Asked[] = [];
  const list = async (input: Asked): Promise<{ items: number[]; next?: string }> => {
    asked.push(input);
    const from = Number(input.cursor ?? 0);
    const to = Math.min(last, from + input.limit);
    const items = Array.from({ length: to - from }, (_, index) => from + index);
    return to < last ? { items, next: String(to) } : { items };
  };
  return { asked, list };
}

test("every page is asked for with what the one before it said", async () => {
  const { asked, list } = lister(5);
  const seen: number[][] = [];
  for await (const { items } of pages(list, { limit: 2 })) seen.push(items);
  deepEqual(seen, [[0, 1], [2, 3], [4]]);
  deepEqual(asked, [{ limit: 2 }, { limit: 2, cursor: "2" }, { limit: 2, cursor: "4" }]);
});

test("leaving the loop asks for no more", async () => {
  const { asked, list } = lister(5);
  for await (const { items } of pages(list, { limit: 2 })) if (items.length > 0) break;
  deepEqual(asked, [{ limit: 2 }]);
});

test("the fields may be called otherwise, and nothing follows null and nothing", async () => {
  const ends = [7, null];
  const asked: unknown[] = [];
  const list = async (input: { from?: number }): Promise<{ to: number | null | undefined }> => {
    asked.push(input);
    return { to: ends.shift() };
  };
  for await (const _page of pages(list, {}, { cursor: "from", next: "to" }));
  deepEqual(asked, [{}, { from: 7 }]);
});

test("a list that goes round in circles is not followed", async () => {
  const list = async (): Promise<{ next: string }> => ({ next: "a" });
  const seen: unknown[] = [];
  await rejects(async () => {
    for await (const page of pages(list, {})) seen.push(page);
  }, /DATA_LOSS.*followed by itself/);
  deepEqual(seen.length, 2);
});

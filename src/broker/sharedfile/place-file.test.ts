import { deepEqual, equal } from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { neededFrom, PlaceFile, type GroupPlace } from "./place-file.ts";

function place(position: number, ...open: (readonly [number, number])[]): GroupPlace {
  return { next: { position, before: `"}\n${position}` }, open };
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function kept(folder: string): Promise<GroupPlace | undefined> {
  const found = (await PlaceFile.read(folder, 3))?.place;
  return found === undefined ? undefined : { next: found.next, open: found.open };
}

test("whose writer dies in the midst of a place, at whatever byte, has the one before", async (t) => {
  const folder = folderOf(t);
  equal(await kept(folder), undefined);
  const file = await PlaceFile.begin(folder, 3, place(0), false);
  t.after(() => file.close());
  await file.write(place(500, [100, 1], [200, 3]));
  const before = new Map(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]),
  );
  await file.write(place(700));
  deepEqual(await kept(folder), place(700));
  const [name, old] = [...before].find(
    ([each, bytes]) => !readFileSync(join(folder, each)).equals(bytes),
  )!;
  const bytes = readFileSync(join(folder, name));
  const end = bytes.toString().trimEnd().length;
  for (let at = 1; at < end; at++) {
    writeFileSync(join(folder, name), Buffer.concat([bytes.subarray(0, at), old.subarray(at)]));
    deepEqual(await kept(folder), place(500, [100, 1], [200, 3]), `${at} of ${end} bytes`);
  }
});

test("who has been put out writes where nobody looks any more", async (t) => {
  const folder = folderOf(t);
  const one = await PlaceFile.begin(folder, 3, place(10), false);
  const other = await PlaceFile.begin(folder, 3, place(10), false);
  t.after(() => Promise.all([one.close(), other.close()]));
  equal(other.generation, one.generation + 1);
  await other.write(place(20));
  await one.write(place(900));
  deepEqual(await kept(folder), place(20));
});

test("what is left of an earlier owner, because the next died while he removed it, is passed over", async (t) => {
  const folder = folderOf(t);
  await (await PlaceFile.begin(folder, 3, place(10), false)).close();
  const left = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))] as const);
  await (await PlaceFile.begin(folder, 3, place(20), false)).close();
  for (const [name, bytes] of left) writeFileSync(join(folder, name), bytes);
  deepEqual(await kept(folder), place(20));
  const next = await PlaceFile.begin(folder, 3, place(30), false);
  await next.close();
  equal(next.generation, 3);
  deepEqual(await kept(folder), place(30));
});

test("a log is needed from the first that is not done", () => {
  equal(neededFrom(place(500)), 500);
  equal(neededFrom(place(500, [300, 1], [200, 3])), 200);
});

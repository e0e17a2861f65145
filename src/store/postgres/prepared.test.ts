import { equal, match, notEqual } from "node:assert/strict";
import { test } from "node:test";
import { Prepared } from "./prepared.ts";

function nameOfOften(prepared: Prepared, text: string): string {
  for (let times = 0; times < 10; times++) prepared.nameOf(text);
  return prepared.nameOf(text);
}

void test("a statement that is run once has no name, and one that comes again has", () => {
  const prepared = new Prepared();
  equal(prepared.nameOf("SELECT 1"), "");
  match(nameOfOften(prepared, "SELECT 1"), /^trunkline_/);
  notEqual(nameOfOften(prepared, "SELECT 1"), nameOfOften(prepared, "SELECT 2"));
});

void test("all processes give a statement the same name", () => {
  equal(nameOfOften(new Prepared(), "SELECT 1"), nameOfOften(new Prepared(), "SELECT 1"));
});

void test("no more names are given than a connection should keep", () => {
  const prepared = new Prepared();
  const names = Array.from({ length: 200 }, (_, each) => nameOfOften(prepared, `SELECT ${each}`));
  equal(names.filter((name) => name !== "").length, 50);
  equal(prepared.nameOf("SELECT 0"), names[0]);
});

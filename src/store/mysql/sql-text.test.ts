import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { sqlText } from "./sql-text.ts";

suite("a statement with its values in it", () => {
  test("has each value at its place, in order", () => {
    assert.equal(
      sqlText("INSERT INTO t VALUES (?, ?, ?, ?)", [1, null, "a", 2n ** 60n]),
      "INSERT INTO t VALUES (1, NULL, 'a', 1152921504606846976)",
    );
  });

  test("doubles quotes, and leaves question marks of a text alone", () => {
    assert.equal(sqlText("SELECT ?, ?", ["it's? ''", "?"]), "SELECT 'it''s? ''''', '?'");
  });

  test("has text with a backslash as bytes, which every SQL mode reads alike", () => {
    assert.equal(sqlText("SELECT ?", ["a\\'b"]), "SELECT _utf8mb4 X'615c2762'");
  });

  test("has bytes as they are, and only those of the view", () => {
    const whole = new Uint8Array([1, 2, 255, 4]);
    assert.equal(sqlText("SELECT ?", [whole.subarray(1, 3)]), "SELECT X'02ff'");
    assert.equal(sqlText("SELECT ?", [new Uint8Array()]), "SELECT X''");
  });
});

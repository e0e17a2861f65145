import assert from "node:assert/strict";
import { test } from "node:test";
import { ErrorCode, errorName, isApplicationCode, isConnectionCode } from "./error-code.ts";

test("each code of the standard concerns either the connection or a stream, none is the application's", () => {
  const connection = Object.entries(ErrorCode).filter(([, code]) => isConnectionCode(code));
  assert.deepEqual(
    connection.map(([name]) => name),
    [
      "INVALID_SETUP",
      "UNSUPPORTED_SETUP",
      "REJECTED_SETUP",
      "REJECTED_RESUME",
      "CONNECTION_ERROR",
      "CONNECTION_CLOSE",
    ],
  );
  assert.ok(!Object.values(ErrorCode).some(isApplicationCode));
});

test("the application's codes are 0x301 to 0xfffffffe; the first and the last of all are reserved", () => {
  assert.deepEqual([0, 0x300, 0x301, 0xffff_fffe, 0xffff_ffff].map(isApplicationCode), [
    false,
    false,
    true,
    true,
    false,
  ]);
  assert.equal(isConnectionCode(0), false);
});

test("a code that the standard does not name is told by its number", () => {
  assert.equal(errorName(ErrorCode.REJECTED), "REJECTED");
  assert.equal(errorName(0x301), "0x00000301");
});

import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { test } from "node:test";

import type { Envelope } from "../envelope.ts";
import { isTorn, readLine, tornMark, writeLine } from "./line.ts";

function envelope(
  contentType: string,
  data: Uint8Array | string,
  terms: Partial<Envelope> = {},
): Envelope {
  return {
    id: "1",
    type: "said",
    source: "/test",
    subject: "käse\n\u2028",
    time: 1_700_000_000_000,
    contentType,
    attributes: { traceparent: `say ,"data": and ,"_crc":"00000000"}`, empty: "" },
    data: Buffer.from(data),
    ...terms,
  };
}

const contents: readonly (readonly [
  type: string,
  data: Uint8Array | string,
  member: string | undefined,
])[] = [
  ["application/json", '{"a": 1.0, "data": ",\\"data\\":"}', "data"],
  ["application/json", "", undefined],
  ["application/json", '{\n  "a": 1\n}', "data_base64"],
  ["application/json", "no JSON", "data_base64"],
  ["application/cloudevents+json; charset=utf-8", "[]", "data"],
  ["text/plain", 'a "text"\nof two lines', "data"],
  ["text/plain", Buffer.from([0xff, 0x0a, 0x00]), "data_base64"],
  ["text/plain", "\0".repeat(100), "data_base64"],
  ["application/octet-stream", Buffer.from([0, 10, 13, 255]), "data_base64"],
  ["", "x", "data_base64"],
];

test("a message comes back from its line byte for byte, and the line is one of JSON", () => {
  for (const [type, data, member] of contents) {
    const line = { envelope: envelope(type, data), to: type === "" ? undefined : "billing" };
    const bytes = writeLine(line);
    equal(bytes.indexOf("\n"), bytes.length - 1);
    const json = JSON.parse(bytes.toString()) as Record<string, unknown>;
    equal(json["specversion"], "1.0");
    deepEqual(
      Object.keys(json).filter((name) => name.startsWith("data") && name !== "datacontenttype"),
      member === undefined ? [] : [member],
    );
    deepEqual(readLine(bytes), line);
  }
});

test("a line of which any byte is another is none", () => {
  const bytes = writeLine({ envelope: envelope("text/plain", "hello"), to: undefined });
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = changed[at]! ^ 1;
    equal(typeof readLine(changed), "string", `byte ${at}`);
  }
});

test("a line that was cut off anywhere is none, and is told as torn when its end is marked", () => {
  const bytes = writeLine({ envelope: envelope("application/json", "{}"), to: undefined });
  for (let length = 0; length < bytes.length; length++) {
    const cut = bytes.subarray(0, length);
    equal(
      typeof readLine(Buffer.concat([cut, Buffer.from("\n")])),
      length === bytes.length - 1 ? "object" : "string",
    );
    ok(isTorn(Buffer.concat([cut, Buffer.from(tornMark)])));
  }
  ok(!isTorn(bytes));
});

test("a whole line with a right checksum that is no CloudEvent is none", async () => {
  const { crcOf } = await import("./line.ts");
  for (const body of [`{"a":1`, `{`, `[1`, `{"specversion":"1.0","id":"1"`, "null", ""]) {
    const line = Buffer.from(`${body},"_crc":"${crcOf(body)}"}\n`);
    equal(readLine(line), "it is no CloudEvent", body);
  }
});

test("what a CloudEvent cannot have is refused", () => {
  for (const terms of [
    { attributes: { Upper: "x" } },
    { attributes: { data: "x" } },
    { attributes: { id: "x" } },
    { time: Number.NaN },
    { time: 1e20 },
  ])
    throws(() => writeLine({ envelope: envelope("text/plain", "x", terms), to: undefined }), {
      code: "INVALID_ARGUMENT",
      executed: "no",
    });
});

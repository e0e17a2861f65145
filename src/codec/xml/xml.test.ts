import { deepEqual, equal, throws } from "node:assert/strict";
import { test } from "node:test";
import type { JsonSchema } from "../../base/contract-shape.ts";
import { xml } from "./index.ts";

const declaration = '<?xml version="1.0" encoding="UTF-8"?>';

const order: JsonSchema = {
  type: "object",
  properties: {
    id: { type: "string" },
    count: { type: "integer" },
    tags: { type: "array", items: { type: "string" } },
    note: { anyOf: [{ type: "string" }, { type: "null" }] },
    price: { anyOf: [{ type: "number" }, { type: "string" }] },
  },
  required: ["id"],
};

function codecOf(schema: JsonSchema) {
  const operations = { place: { kind: "call", idempotent: false, in: schema } } as const;
  const contract = { name: "orders", version: "1.0.0", operations };
  return xml().codec({ contract, operation: "place", part: "in" });
}

function read(schema: JsonSchema, document: string | Buffer): unknown {
  const memory = Buffer.from(document);
  return codecOf(schema).decode(memory, 0, memory.length);
}

test("fields are elements, and a type is said only where the schema does not say it", () => {
  const value = { id: "5", count: 5, tags: ["a"], note: null, price: "5" };
  equal(
    codecOf(order).encode(value),
    `${declaration}<input><id>5</id><count>5</count><tags><item>a</item></tags>` +
      `<note type="null"/><price type="string">5</price></input>`,
  );
});

test("a document that somebody wrote by hand is read", () => {
  const document = `\uFEFF<?xml version='1.0'?>
    <!-- an order --><?instruction?>
    <order xmlns="urn:orders" xml:lang="en">
      <id><![CDATA[a & <b>]]> &#x26; &#99;</id>
      <tags>
        <item> kept  as it is </item>
        <anything/>
      </tags>
      <count> 12
      </count>
      <price>0.5</price>
    </order>
  `;
  deepEqual(read(order, document), {
    id: "a & <b> & c",
    tags: [" kept  as it is ", ""],
    count: 12,
    price: 0.5,
  });
});

test("what XML cannot say is escaped as JSON", () => {
  const value = { "\u0000": "a\u0001b", "odd key": "\r\n" };
  equal(
    codecOf({}).encode(value),
    `${declaration}<input><entry json-key="&quot;\\u0000&quot;" escaped="json">"a\\u0001b"</entry>` +
      `<entry key="odd key">&#13;\n</entry></input>`,
  );
});

test("what is no good document, or does not say what the contract asks for, is refused", () => {
  const documents: [document: string | Buffer, why: RegExp][] = [
    ["<!DOCTYPE a><a/>", /document type/],
    ['<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a><id>&b;</id></a>', /document type/],
    ["<a><id>&b;</id></a>", /entity|'&'/],
    ["<a><id>&#0;</id></a>", /entity/],
    ["<a><id>&#xD800;</id></a>", /entity/],
    ["<a><id>1</id><id>2</id></a>", /id twice/],
    ["<a><id><b/></id></a>", /should hold a text/],
    ["<a>text<id/></a>", /no text may stand/],
    ["<a><count>0x10</count></a>", /a number/],
    ["<a><count>1e999</count></a>", /a number/],
    ["<a><id unit='kg'/></a>", /attribute unit/],
    ["<a><count type='date'>1</count></a>", /of type date/],
    ["<a><id>1</b></a>", /closing tag/],
    ["<a/><b/>", /one root|Multiple/],
    ["<?xml version='1.0' encoding='ISO-8859-1'?><a/>", /encoding/],
    [Buffer.from("<a><id>\xff</id></a>", "latin1"), /encoded data was not valid/],
    [`${"<a>".repeat(600)}${"</a>".repeat(600)}`, /nested/],
  ];
  for (const [document, why] of documents) throws(() => read(order, document), why);
});

test("a field called like a part of JavaScript's objects is one like any other", () => {
  const document = `<a><entry key="__proto__" type="number">1</entry><entry key="constructor">c</entry><toString/></a>`;
  equal(JSON.stringify(read({}, document)), '{"__proto__":1,"constructor":"c","toString":""}');
});

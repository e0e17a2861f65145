import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { call, contract, stream, upload } from "../../../../contract/index.ts";
import { jsonSchema } from "../../../../schema/index.ts";
import { openApi } from "../document.ts";
import { documentationPage } from "./page.ts";

const hostile = `</script><script>evil()</script><img src=x onerror=evil()>"'\`\${evil()}`;

const Things = contract(
  "things",
  { version: "1.0.0" },
  {
    get: call({
      in: jsonSchema({ type: "string" }),
      out: jsonSchema({
        type: "object",
        title: "Thing",
        properties: {
          [hostile]: { type: "string", description: hostile, default: hostile },
          kind: { enum: [hostile, 1] },
          next: { $ref: "#" },
        },
      }),
      idempotent: true,
      description: hostile,
    }),
    add: call({
      in: jsonSchema({
        type: "object",
        properties: { name: { type: "string", examples: [hostile] }, n: { type: "integer" } },
        required: ["name"],
      }),
      errors: { TAKEN: jsonSchema({ type: "string" }) },
    }),
    watch: stream({ out: jsonSchema({ type: "integer" }) }),
    load: upload({ in: jsonSchema({ type: "integer" }) }),
  },
);

const document = openApi([Things], { title: hostile, description: hostile });
const page = documentationPage(document);
// What a reader sees between the tags.
const shown = page.html.replaceAll(/<(style|script)>[^]*?<\/\1>/g, "");

test("every operation is there, with what it takes, and a line for curl", () => {
  for (const text of ["things.get", "things.add", "things.watch", "things.load"])
    ok(shown.includes(`id="${text}"`), text);
  match(shown, /GET<\/span/);
  match(
    shown,
    /curl -N &#39;ORIGIN\/v1\/things\/watch&#39; -H &#39;accept: text\/event-stream&#39;/,
  );
  match(shown, /TAKEN<\/code> with/);
});

test("what the document says is text, whatever it holds", () => {
  ok(!shown.includes("<script"));
  ok(!shown.includes("<img"));
  deepEqual(
    [...new Set([...shown.matchAll(/<([a-z0-9]+)/g)].map(([, tag]) => tag))].filter((tag) =>
      ["iframe", "object", "embed", "link", "base", "img", "script"].includes(tag!),
    ),
    [],
  );
  ok(!/ on[a-z]+=/.test(shown.replaceAll(/&#\d+;/g, "").replaceAll(/>[^<]*</g, "><")));
});

test("the page loads nothing, and its policy lets nothing in but its own style and script", () => {
  ok(!/\b(?:src|srcset|action)=/.test(shown.replaceAll(/>[^<]*</g, "><")));
  const hashes = ["style", "script"].map((tag) => {
    const [, text] = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(page.html)!;
    return `${tag}-src 'sha256-${createHash("sha256").update(text!).digest("base64")}'`;
  });
  for (const hash of hashes) ok(page.policy.includes(hash), hash);
  match(page.policy, /^default-src 'none'; /);
  equal(page.html.match(/<script>/g)?.length, 1);
});

test("a document of nothing is a page", () => {
  match(documentationPage(openApi([])).html, /<h1>nothing/);
});

import type { Route } from "../src/protocol/rest/route.ts";
import type { Input } from "./target.ts";

/** One request as bytes, and what it was before it was spoilt. */
export interface HttpRequestBytes {
  /** Pieces, each written by itself. */
  readonly pieces: readonly Buffer[];
  readonly member: string;
  /** Nothing about it was spoilt: it must be answered. */
  readonly whole: boolean;
}

const bodies: readonly string[] = [
  "",
  "{}",
  "null",
  "[1,2,3]",
  '{"how":"declared"}',
  '{"how":"undeclared"}',
  '{"to":3}',
  '{"to":1e309}',
  '{"text":"kettle"}',
  '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  '"\\ud800"',
  `${"[".repeat(2_000)}${"]".repeat(2_000)}`,
  '{"a":1,"a":2}',
  "1\n2\n3\n",
  '{"to":2}\n1\n',
];

const types: readonly string[] = [
  "application/json",
  "application/json; charset=utf-8",
  "application/json; charset=latin1",
  "application/x-ndjson",
  "application/vnd.trunkline.items+json",
  "application/vnd.fuzzed.v1+json",
  "application/vnd.fuzzed.v9+json",
  "application/octet-stream",
  "text/plain",
  "application/xml",
  "multipart/form-data; boundary=x",
  ";;;",
  "",
];

const headers: readonly string[] = [
  "accept: text/event-stream",
  "accept: application/x-ndjson",
  "accept: application/xml",
  "accept: */*;q=0",
  "accept: ,,;q=x",
  "accept-encoding: gzip, br;q=0.1, *;q=0",
  "accept-encoding: identity;q=0",
  "content-encoding: gzip",
  "content-encoding: br, gzip, deflate, gzip",
  "content-encoding: nonsense",
  "trunkline-timeout-ms: 0",
  "trunkline-timeout-ms: -1",
  "trunkline-timeout-ms: 9e99",
  "trunkline-timeout-ms: 20",
  "trunkline-total-ms: 1",
  "traceparent: 00-00000000000000000000000000000000-0000000000000000-00",
  "traceparent: zz",
  'idempotency-key: "a',
  "if-none-match: *",
  'if-none-match: W/"x", "y',
  "expect: 100-continue",
  "expect: 200-ok",
  "connection: close",
  "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk",
  "origin: https://elsewhere.example",
  "access-control-request-method: DELETE",
  "x-empty:",
  `x-long: ${"v".repeat(9_000)}`,
  "cookie: a=b; a=c",
];

const paths: readonly string[] = [
  "/",
  "*",
  "//fuzzed//echo",
  "/fuzzed/../fuzzed/echo",
  "/fuzzed/%2e%2e/echo",
  "/fuzzed/%",
  "/fuzzed/%zz",
  "/fuzzed/%ff%fe",
  "/fuzzed/%00",
  "/v1/fuzzed/echo",
  "/v2/fuzzed/echo",
  "/v99999999999999999999/fuzzed/echo",
  "/fuzzed/echo?__proto__=1&constructor=2&a=%",
  `/fuzzed/${"a".repeat(5_000)}`,
  "http://other.example/fuzzed/echo",
  "/fuzzed/echo#fragment",
  "/openapi.json",
  "/docs",
];

const methods: readonly string[] = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "TRACE",
  "CONNECT",
  "BREW",
];

/** A request of a contract's routes, usually spoilt in one way or several. */
export function httpRequest(input: Input, routes: readonly Route[]): HttpRequestBytes {
  const route = input.pick(routes);
  const whole = input.once(6);
  const other = (times: number): boolean => !whole && input.once(times);
  const method = other(5) ? input.pick(methods) : route.method;
  const path = other(4) ? input.pick(paths) : route.path.replaceAll(/\{[^}]*\}/g, "1");
  const bare = ["GET", "DELETE"].includes(route.method);
  const body = Buffer.from(bare && whole ? "" : input.pick(bodies));
  const lines = [`${method} ${path} HTTP/1.1`, "host: fuzzed"];
  const items = route.body === "items" ? "application/x-ndjson" : "application/json";
  const type = other(3) ? input.pick(types) : items;
  if (body.length > 0) lines.push(`content-type: ${type}`);
  while (other(2)) lines.push(input.pick(headers));
  const chunked = !bare && input.once(3);
  if (chunked) lines.push("transfer-encoding: chunked");
  const length = other(8) ? input.between(0, 100) : body.length;
  if (!chunked || other(10)) lines.push(`content-length: ${length}`);
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  let bytes: Buffer = Buffer.concat([head, chunked ? chunks(input, body, whole) : body]);
  if (other(4)) bytes = spoilt(input, bytes);
  if (other(6)) bytes = Buffer.concat([bytes, bytes]); // pipelined
  return { pieces: cut(input, bytes), member: route.member, whole };
}

function chunks(input: Input, body: Buffer, whole: boolean): Buffer {
  const parts: Buffer[] = [];
  for (let from = 0; from < body.length;) {
    const to = Math.min(body.length, from + input.between(1, 400));
    const size =
      whole || !input.once(12)
        ? (to - from).toString(16)
        : input.pick(["", "-1", "fffffffff", "0x3", "zz"]);
    parts.push(Buffer.from(`${size}\r\n`), body.subarray(from, to), Buffer.from("\r\n"));
    from = to;
  }
  if (whole || !input.once(6)) parts.push(Buffer.from("0\r\n\r\n"));
  return Buffer.concat(parts);
}

/** Some bytes are others, missing, or too many. */
function spoilt(input: Input, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  switch (input.between(0, 3)) {
    case 0:
      for (let times = input.between(1, 4); times > 0; times--)
        copy[input.between(0, copy.length - 1)] = input.between(0, 255);
      return copy;
    case 1:
      return copy.subarray(0, input.between(0, copy.length));
    case 2: {
      const at = input.between(0, copy.length);
      return Buffer.concat([
        copy.subarray(0, at),
        input.bytes(input.between(1, 40)),
        copy.subarray(at),
      ]);
    }
    default:
      return Buffer.from(copy.toString("latin1").replaceAll("\r\n", "\n"), "latin1");
  }
}

/** As a network may cut it. */
function cut(input: Input, bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let from = 0; from < bytes.length;) {
    const to = input.once(2) ? bytes.length : Math.min(bytes.length, from + input.between(1, 200));
    pieces.push(bytes.subarray(from, to));
    from = to;
  }
  return pieces;
}

import { deepEqual } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beginTrace } from "../src/base/trace.ts";
import { realEnv } from "../src/base/real-env.ts";
import { Attempt } from "../src/protocol/attempt.ts";
import { grpc as overGrpc } from "../src/protocol/grpc/index.ts";
import type { Protocol } from "../src/protocol/protocol.ts";
import { parseAddress } from "../src/transport/address.ts";
import { unix } from "../src/transport/unix/index.ts";
import { anyFrame, dataFrame, headersFrame, preface, type HeaderList } from "./h2-frames.ts";
import { answerTo, released } from "./http-peer.ts";
import { dispatcher, operationNamed, operations } from "./service.ts";
import type { Input, Target } from "./target.ts";

/**
 * A server of gRPC, gRPC-Web and Connect, fed with frames of HTTP/2 and messages that are not what they say. Whatever comes is
 * answered or cut off; afterwards nothing is under way, and others are served.
 */
export const grpc: Target = { name: "grpc", batch: 10, run };

const env = realEnv();

const contentTypes: readonly string[] = [
  "application/grpc",
  "application/grpc+proto",
  "application/grpc+json",
  "application/grpc-web",
  "application/grpc-web-text",
  "application/grpc-web+proto",
  "application/proto",
  "application/json",
  "application/connect+json",
  "application/connect+proto",
  "text/plain",
];

const further: HeaderList = [
  ["grpc-timeout", "20m"],
  ["grpc-timeout", "99999999999H"],
  ["grpc-timeout", "x"],
  ["grpc-encoding", "gzip"],
  ["grpc-encoding", "nonsense"],
  ["grpc-accept-encoding", "gzip,identity"],
  ["connect-protocol-version", "1"],
  ["connect-protocol-version", "9"],
  ["connect-timeout-ms", "-5"],
  ["connect-content-encoding", "gzip"],
  ["content-encoding", "gzip"],
  ["te", "gzip"],
  ["some-bin", "%%%"],
  ["grpc-status", "0"],
  ["content-length", "3"],
  ["traceparent", "zz"],
  ["x-long", "v".repeat(9_000)],
];

async function run(input: Input): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "fuzz-"));
  const path = join(folder, "grpc.sock");
  const protocol = overGrpc().over(unix());
  const address = parseAddress(`grpc+unix:${path}`);
  const options = { itemBytesMax: 64 * 1024 };
  const server = await protocol.serve(address, dispatcher(env), options, env);
  try {
    const pieces = conversation(input);
    for (const piece of pieces) input.note("bytes", piece);
    await answerTo(path, pieces);
    await released(server);
    deepEqual(await healthy(protocol, address.text), { there: true });
  } finally {
    await server.drain(0);
    rmSync(folder, { recursive: true });
  }
}

/** Some requests on one connection, with frames between them that do not belong there. */
function conversation(input: Input): Buffer[] {
  const pieces: Buffer[] = [input.once(30) ? input.bytes(24) : preface()];
  for (let streamId = 1, requests = input.between(1, 6); requests > 0; requests--, streamId += 2) {
    pieces.push(headersFrame(streamId, headers(input), input.once(8)));
    for (let messages = input.between(0, 3); messages > 0; messages--) {
      if (input.once(3)) pieces.push(anyFrame(input, streamId));
      pieces.push(dataFrame(streamId, message(input), messages === 1 && !input.once(4)));
    }
  }
  if (input.once(4)) pieces.push(anyFrame(input, 1));
  const last = pieces.at(-1)!;
  if (input.once(6)) pieces[pieces.length - 1] = last.subarray(0, input.between(0, last.length));
  return pieces;
}

function headers(input: Input): HeaderList {
  const { member } = input.pick(operations);
  const method = member[0]!.toUpperCase() + member.slice(1);
  const path = input.once(8)
    ? input.pick(["/", "*", "/fuzzed.v1.Fuzzed", "//", "/a/b/c"])
    : `/fuzzed.v1.Fuzzed/${method}`;
  const list: [string, string][] = [
    [":method", input.once(10) ? input.pick(["GET", "OPTIONS", "PUT"]) : "POST"],
    [":scheme", "http"],
    [":authority", "fuzzed"],
    [":path", path],
    ["content-type", input.once(3) ? input.pick(contentTypes) : "application/grpc"],
    ["te", "trailers"],
  ];
  while (input.once(2)) list.push([...input.pick(further)] as [string, string]);
  if (input.once(12)) list.splice(input.between(0, list.length - 1), 1);
  return list;
}

/** A message in its envelope; the length, the flag or the bytes may be others. */
function message(input: Input): Buffer {
  const body = input.once(3)
    ? input.bytes(input.between(0, 60))
    : Buffer.from(
        input.pick(["", "{}", "\n\u0003abc", "\u0008\u0003", "\u001a\u0005there", "\u0012\u0080"]),
        "latin1",
      );
  const head = Buffer.alloc(5);
  head[0] = input.once(6) ? input.between(0, 255) : 0;
  const length = input.once(6) ? input.pick([0, 1, 70_000, 0x7fffffff, 0xffffffff]) : body.length;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, body]);
}

async function healthy(protocol: Protocol, address: string): Promise<unknown> {
  const caller = protocol.connect(parseAddress(address), {}, env);
  try {
    const attempt = new Attempt(env.now() + 5_000, Infinity, beginTrace(env), undefined, undefined);
    return await caller.call(operationNamed("echo"), { there: true }, attempt);
  } finally {
    await caller.close();
  }
}

// Runs the published suites on the published parts. `package.test.ts` copies it beside the installed
// package and runs it on the oldest Node that we support.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { avro } from "trunkline/codec/avro";
import { cbor } from "trunkline/codec/cbor";
import { msgpack } from "trunkline/codec/msgpack";
import { protobuf } from "trunkline/codec/protobuf";
import { xml } from "trunkline/codec/xml";
import { rsocket } from "trunkline/protocol/rsocket";
import {
  clientCases,
  codecCases,
  overProtocol,
  protocolCases,
  register,
  transportCases,
} from "trunkline/testing";
import { memory, MemoryNames } from "trunkline/transport/memory";
import { unix } from "trunkline/transport/unix";

const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
after(() => rmSync(folder, { recursive: true }));

let names = 0;
const inMemory = () => memory(new MemoryNames());
const memoryAddress = () => `memory:${++names}`;
const unixAddress = () => `unix:${folder}/${++names}.sock`;

register("memory", transportCases({ make: inMemory, address: memoryAddress }));
register("unix", transportCases({ make: unix, address: unixAddress }));
register(
  "rsocket over memory",
  protocolCases({ make: () => rsocket(inMemory()), address: memoryAddress }),
);
register("rsocket over unix", protocolCases({ make: () => rsocket(unix()), address: unixAddress }));
register("clients over memory", clientCases(overProtocol(rsocket(inMemory()), memoryAddress)));
register("clients over unix", clientCases(overProtocol(rsocket(unix()), unixAddress)));
for (const format of [msgpack(), cbor(), xml(), protobuf(), avro()])
  register(format.name, codecCases(format));

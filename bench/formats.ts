// What each format makes of the demo's data: bytes, and the time to write and to read them, in one process.
import { isDeepStrictEqual } from "node:util";
import { contract, call } from "trunkline";
import { avro } from "trunkline/codec/avro";
import { cbor } from "trunkline/codec/cbor";
import { msgpack } from "trunkline/codec/msgpack";
import { protobuf } from "trunkline/codec/protobuf";
import { xml } from "trunkline/codec/xml";
import { describe } from "trunkline/contract";
import * as z from "zod";
import { Flight } from "../demo/contracts/flight.ts";
import { readFlights } from "../demo/flights.ts";
import type { Codec } from "../src/codec/codec.ts";
import type { Format } from "../src/codec/format.ts";
import { jsonFormat } from "../src/codec/json-format.ts";
import { machine, table, whole, type Bench, type BenchOptions } from "./report.ts";
import { spreadOf, type Spread } from "./spread.ts";

const measured: readonly Format[] = [jsonFormat, msgpack(), cbor(), protobuf(), avro(), xml()];

const Flights = contract(
  "flights",
  { version: "1.0.0" },
  { one: call({ out: Flight }), many: call({ out: z.array(Flight) }) },
);

/** One format and one payload. */
interface FormatRow {
  readonly case: string;
  readonly peer: string;
  readonly bytes: number;
  readonly writeNs: Spread;
  readonly readNs: Spread;
}

interface Measured {
  readonly title: string;
  readonly format: Format;
  readonly codec: Codec;
  readonly value: unknown;
  readonly bytes: number;
  readonly memory: Buffer;
  readonly writeNs: number[];
  readonly readNs: number[];
}

/** Room for the largest of the payloads. */
const memoryBytes = 1024 * 1024;

/** How often a payload is written or read between looks at the clock. */
const batch = 16;

export const formats: Bench = async (options) => {
  const { rows, ratios, tables } = measureFormats(options);
  const report = { ok: true, bench: "formats", machine: machine(), rows, ratios, goals: [] };
  return { report, tables };
};

export interface MeasuredFormats {
  readonly rows: readonly FormatRow[];
  readonly ratios: Readonly<Record<string, number>>;
  readonly tables: string;
}

/** The part of a bench that is about formats; throws when one of them does not bring a value back. */
export function measureFormats(options: BenchOptions): MeasuredFormats {
  const all = prepared(options);
  for (let round = 0; round <= options.rounds; round++) {
    options.progress(`formats, round ${round} of ${options.rounds}`);
    for (let place = 0; place < all.length; place++) {
      const each = all[(place + round) % all.length]!;
      const writeNs = timed(options.seconds / 2, () => write(each));
      const readNs = timed(options.seconds / 2, () =>
        each.codec.decode(each.memory, 0, each.bytes),
      );
      if (round === 0 && options.rounds > 1) continue; // it warms up
      each.writeNs.push(writeNs);
      each.readNs.push(readNs);
    }
  }
  const rows = all.map(({ title, format, bytes, writeNs, readNs }) => ({
    case: title,
    peer: format.name,
    bytes,
    writeNs: spreadOf(writeNs),
    readNs: spreadOf(readNs),
  }));
  return { rows, ratios: ratiosOf(rows), tables: tablesOf(rows) };
}

function prepared({ only }: BenchOptions): Measured[] {
  const flights = readFlights();
  const shape = describe(Flights);
  const payloads = [
    { title: "a flight", operation: "one", value: flights[0]! },
    { title: "1,000 flights", operation: "many", value: flights.slice(0, 1_000) },
  ];
  const chosen = measured.filter(({ name }) => only.length === 0 || only.includes(name));
  return payloads.flatMap(({ title, operation, value }) =>
    chosen.map((format) => {
      const codec = format.codec({ contract: shape, operation, part: "out" });
      const memory = Buffer.alloc(memoryBytes);
      const each = { title, format, codec, value, memory, writeNs: [], readNs: [] };
      const bytes = write(each);
      if (!isDeepStrictEqual(codec.decode(memory, 0, bytes), value))
        throw new Error(`${format.name} does not bring ${title} back`);
      return { ...each, bytes };
    }),
  );
}

/** Into memory, as a protocol does it. */
function write({ codec, value, memory }: Pick<Measured, "codec" | "value" | "memory">): number {
  const payload = codec.encode(value);
  if (typeof payload === "string") return memory.write(payload, 0, "utf8");
  memory.set(payload);
  return payload.length;
}

/** Nanoseconds for each. */
function timed(seconds: number, act: () => unknown): number {
  const began = performance.now();
  let done = 0;
  let elapsedMs = 0;
  for (; elapsedMs < seconds * 1_000; elapsedMs = performance.now() - began, done += batch)
    for (let left = batch; left > 0; left--) act();
  return (elapsedMs * 1e6) / done;
}

function ratiosOf(rows: readonly FormatRow[]): Record<string, number> {
  const ratios: Record<string, number> = {};
  for (const row of rows) {
    const json = rows.find((each) => each.case === row.case && each.peer === "json");
    if (json === undefined || json === row) continue;
    const name = `÷ json, ${row.case}: ${row.peer}`;
    ratios[`bytes ${name}`] = row.bytes / json.bytes;
    ratios[`write ${name}`] = row.writeNs.median / json.writeNs.median;
    ratios[`read ${name}`] = row.readNs.median / json.readNs.median;
  }
  return ratios;
}

function tablesOf(rows: readonly FormatRow[]): string {
  return [...new Set(rows.map((row) => row.case))]
    .map((title) =>
      table(
        [title, "bytes", "write ns", "half of the rounds", "read ns", "half of the rounds"],
        rows.filter((row) => row.case === title).map(cellsOf),
      ),
    )
    .join("\n\n");
}

function cellsOf({ peer, bytes, writeNs, readNs }: FormatRow): string[] {
  const half = ({ low, high }: Spread): string => `${whole(low)}–${whole(high)}`;
  return [
    peer,
    whole(bytes),
    whole(writeNs.median),
    half(writeNs),
    whole(readNs.median),
    half(readNs),
  ];
}

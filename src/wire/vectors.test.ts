import assert from "node:assert/strict";
import { test } from "node:test";
import { ErrorCode } from "./error-code.ts";
import { Flag, frameName, FrameType } from "./frame-type.ts";
import { FrameView, readErrorText } from "./frame-view.ts";
import { readResume, resumeBytes, writeResume, writeResumeOk, type Resume } from "./resume.ts";
import { readSetup, setupBytes, writeSetup, type Setup } from "./setup.ts";
import * as write from "./write.ts";

/*
 * Goal: the bytes are those of the standard, not only those that our own reader understands.
 * Method: one table, derived by hand from the diagrams of RSocket 1.0; each row is written and compared byte for byte,
 * and read and compared field by field.
 */

interface Vector {
  readonly what: string;
  /** The frame as a list of fields: hexadecimal bytes, and what they are. */
  readonly fields: readonly (readonly [hex: string, meaning: string])[];
  readonly write: (memory: Buffer, at: number) => number;
  /** What the view must say; `metadata` and `data` as text. */
  readonly read: Record<string, unknown>;
}

const setup: Setup = {
  majorVersion: 1,
  minorVersion: 0,
  keepaliveMs: 20_000,
  lifetimeMs: 90_000,
  lease: false,
  resumeToken: undefined,
  metadataMime: "a/b",
  dataMime: "application/json",
  metadata: undefined,
  data: bytes("hi"),
};

const resumableSetup: Setup = {
  ...setup,
  lease: true,
  resumeToken: bytes("tok"),
  metadata: bytes("{}"),
};

const resume: Resume = {
  majorVersion: 1,
  minorVersion: 0,
  token: bytes("tok"),
  lastServerPosition: 16,
  firstClientPosition: 0x1_0000_0002,
};

const vectors: readonly Vector[] = [
  {
    what: "SETUP with nothing optional",
    fields: [
      ["00000000", "stream 0"],
      ["0400", "type 0x01, no flags"],
      ["0001 0000", "version 1.0"],
      ["00004e20", "20,000 ms between keep-alives"],
      ["00015f90", "90,000 ms lifetime"],
      ["03 612f62", "metadata MIME type a/b"],
      ["10 6170706c69636174696f6e2f6a736f6e", "data MIME type application/json"],
      ["6869", "data hi"],
    ],
    write: (memory, at) => writeSetup(memory, at, setup),
    read: { type: FrameType.SETUP, streamId: 0, flags: 0 },
  },
  {
    what: "SETUP with everything",
    fields: [
      ["00000000", "stream 0"],
      ["05c0", "type 0x01, M R L"],
      ["0001 0000", "version 1.0"],
      ["00004e20", "20,000 ms between keep-alives"],
      ["00015f90", "90,000 ms lifetime"],
      ["0003 746f6b", "resume token tok"],
      ["03 612f62", "metadata MIME type a/b"],
      ["10 6170706c69636174696f6e2f6a736f6e", "data MIME type application/json"],
      ["000002 7b7d", "metadata {}"],
      ["6869", "data hi"],
    ],
    write: (memory, at) => writeSetup(memory, at, resumableSetup),
    read: {
      type: FrameType.SETUP,
      streamId: 0,
      flags: Flag.METADATA | Flag.RESUME | Flag.LEASE,
    },
  },
  {
    what: "LEASE",
    fields: [
      ["00000000", "stream 0"],
      ["0800", "type 0x02"],
      ["00001388", "for 5,000 ms"],
      ["00000064", "100 requests"],
    ],
    write: (memory, at) => write.writeLease(memory, at, 5_000, 100),
    read: { type: FrameType.LEASE, ttlMs: 5_000, requests: 100, metadata: "", data: "" },
  },
  {
    what: "LEASE with metadata, which has no length",
    fields: [
      ["00000000", "stream 0"],
      ["0900", "type 0x02, M"],
      ["00000000", "for 0 ms: stop"],
      ["00000000", "0 requests: stop"],
      ["6d64", "metadata md"],
    ],
    write: (memory, at) => {
      const end = write.writeLease(memory, at, 0, 0);
      write.writeHeader(memory, at, 0, FrameType.LEASE, Flag.METADATA);
      return text(memory, end, "md");
    },
    read: { type: FrameType.LEASE, ttlMs: 0, requests: 0, metadata: "md", data: "" },
  },
  {
    what: "KEEPALIVE that asks for an answer",
    fields: [
      ["00000000", "stream 0"],
      ["0c80", "type 0x03, R"],
      ["0000000000000000", "no position"],
      ["70696e67", "data ping"],
    ],
    write: (memory, at) => text(memory, write.writeKeepalive(memory, at, true, 0), "ping"),
    read: { type: FrameType.KEEPALIVE, flags: Flag.RESPOND, position: 0, data: "ping" },
  },
  {
    what: "KEEPALIVE that answers",
    fields: [
      ["00000000", "stream 0"],
      ["0c00", "type 0x03"],
      ["0000000100000002", "position 2^32 + 2"],
      ["70696e67", "data ping"],
    ],
    write: (memory, at) =>
      text(memory, write.writeKeepalive(memory, at, false, 0x1_0000_0002), "ping"),
    read: { type: FrameType.KEEPALIVE, flags: 0, position: 0x1_0000_0002, data: "ping" },
  },
  {
    what: "REQUEST_RESPONSE",
    fields: [
      ["00000001", "stream 1"],
      ["1100", "type 0x04, M"],
      ["000002", "2 bytes of metadata"],
      ["6d64", "metadata md"],
      ["64617461", "data data"],
    ],
    write: (memory, at) =>
      body(memory, write.writeHeader(memory, at, 1, FrameType.REQUEST_RESPONSE, Flag.METADATA)),
    read: {
      type: FrameType.REQUEST_RESPONSE,
      streamId: 1,
      flags: Flag.METADATA,
      requestN: 0,
      metadata: "md",
      data: "data",
    },
  },
  {
    what: "REQUEST_RESPONSE, first fragment without metadata",
    fields: [
      ["00000001", "stream 1"],
      ["1080", "type 0x04, F"],
      ["64617461", "data data"],
    ],
    write: (memory, at) =>
      text(
        memory,
        write.writeHeader(memory, at, 1, FrameType.REQUEST_RESPONSE, Flag.FOLLOWS),
        "data",
      ),
    read: {
      type: FrameType.REQUEST_RESPONSE,
      streamId: 1,
      flags: Flag.FOLLOWS,
      metadata: "",
      data: "data",
    },
  },
  {
    what: "REQUEST_FNF",
    fields: [
      ["00000003", "stream 3"],
      ["1400", "type 0x05"],
      ["78", "data x"],
    ],
    write: (memory, at) =>
      text(memory, write.writeHeader(memory, at, 3, FrameType.REQUEST_FNF, 0), "x"),
    read: { type: FrameType.REQUEST_FNF, streamId: 3, flags: 0, metadata: "", data: "x" },
  },
  {
    what: "REQUEST_STREAM",
    fields: [
      ["00000005", "stream 5"],
      ["1900", "type 0x06, M"],
      ["00000008", "credit 8"],
      ["000002", "2 bytes of metadata"],
      ["6d64", "metadata md"],
      ["64617461", "data data"],
    ],
    write: (memory, at) => {
      const next = write.writeHeader(memory, at, 5, FrameType.REQUEST_STREAM, Flag.METADATA);
      return body(memory, write.writeInitialRequestN(memory, next, 8));
    },
    read: {
      type: FrameType.REQUEST_STREAM,
      streamId: 5,
      flags: Flag.METADATA,
      requestN: 8,
      metadata: "md",
      data: "data",
    },
  },
  {
    what: "REQUEST_CHANNEL, complete at once, with empty metadata and the largest numbers",
    fields: [
      ["7fffffff", "stream 2^31-1"],
      ["1d40", "type 0x07, M C"],
      ["7fffffff", "credit 2^31-1"],
      ["000000", "0 bytes of metadata"],
    ],
    write: (memory, at) => {
      const flags = Flag.METADATA | Flag.COMPLETE;
      const next = write.writeHeader(memory, at, 0x7fff_ffff, FrameType.REQUEST_CHANNEL, flags);
      const bodyFrom = write.writeInitialRequestN(memory, next, 0x7fff_ffff);
      return write.writeMetadataLength(memory, bodyFrom, 0);
    },
    read: {
      type: FrameType.REQUEST_CHANNEL,
      streamId: 0x7fff_ffff,
      flags: Flag.METADATA | Flag.COMPLETE,
      requestN: 0x7fff_ffff,
      metadata: "",
      data: "",
    },
  },
  {
    what: "REQUEST_N",
    fields: [
      ["00000005", "stream 5"],
      ["2000", "type 0x08"],
      ["00000001", "1 more item"],
    ],
    write: (memory, at) => write.writeRequestN(memory, at, 5, 1),
    read: { type: FrameType.REQUEST_N, streamId: 5, requestN: 1, data: "" },
  },
  {
    what: "CANCEL",
    fields: [
      ["00000005", "stream 5"],
      ["2400", "type 0x09"],
    ],
    write: (memory, at) => write.writeCancel(memory, at, 5),
    read: { type: FrameType.CANCEL, streamId: 5, requestN: 0, data: "" },
  },
  {
    what: "PAYLOAD with an item",
    fields: [
      ["00000005", "stream 5"],
      ["2820", "type 0x0a, N"],
      ["64617461", "data data"],
    ],
    write: (memory, at) =>
      text(memory, write.writeHeader(memory, at, 5, FrameType.PAYLOAD, Flag.NEXT), "data"),
    read: { type: FrameType.PAYLOAD, streamId: 5, flags: Flag.NEXT, data: "data" },
  },
  {
    what: "PAYLOAD with the last item and metadata",
    fields: [
      ["00000001", "stream 1"],
      ["2960", "type 0x0a, M C N"],
      ["000002", "2 bytes of metadata"],
      ["6d64", "metadata md"],
      ["64617461", "data data"],
    ],
    write: (memory, at) => {
      const flags = Flag.METADATA | Flag.COMPLETE | Flag.NEXT;
      return body(memory, write.writeHeader(memory, at, 1, FrameType.PAYLOAD, flags));
    },
    read: {
      type: FrameType.PAYLOAD,
      streamId: 1,
      flags: Flag.METADATA | Flag.COMPLETE | Flag.NEXT,
      metadata: "md",
      data: "data",
    },
  },
  {
    what: "PAYLOAD that only completes",
    fields: [
      ["00000005", "stream 5"],
      ["2840", "type 0x0a, C"],
    ],
    write: (memory, at) => write.writeComplete(memory, at, 5),
    read: { type: FrameType.PAYLOAD, streamId: 5, flags: Flag.COMPLETE, metadata: "", data: "" },
  },
  {
    what: "PAYLOAD as a fragment",
    fields: [
      ["00000005", "stream 5"],
      ["28a0", "type 0x0a, F N"],
      ["64617461", "data data"],
    ],
    write: (memory, at) => {
      const flags = Flag.NEXT | Flag.FOLLOWS;
      return text(memory, write.writeHeader(memory, at, 5, FrameType.PAYLOAD, flags), "data");
    },
    read: { type: FrameType.PAYLOAD, streamId: 5, flags: Flag.NEXT | Flag.FOLLOWS, data: "data" },
  },
  {
    what: "ERROR of a stream",
    fields: [
      ["00000001", "stream 1"],
      ["2c00", "type 0x0b"],
      ["00000202", "REJECTED"],
      ["6ec3b6", "text nö"],
    ],
    write: (memory, at) => write.writeError(memory, at, 1, ErrorCode.REJECTED, "nö"),
    read: { type: FrameType.ERROR, streamId: 1, errorCode: ErrorCode.REJECTED, error: "nö" },
  },
  {
    what: "ERROR of the connection",
    fields: [
      ["00000000", "stream 0"],
      ["2c00", "type 0x0b"],
      ["00000102", "CONNECTION_CLOSE"],
    ],
    write: (memory, at) => write.writeError(memory, at, 0, ErrorCode.CONNECTION_CLOSE, ""),
    read: { type: FrameType.ERROR, streamId: 0, errorCode: ErrorCode.CONNECTION_CLOSE, error: "" },
  },
  {
    what: "ERROR with the largest code of an application",
    fields: [
      ["00000001", "stream 1"],
      ["2c00", "type 0x0b"],
      ["fffffffe", "the application's"],
    ],
    write: (memory, at) => write.writeError(memory, at, 1, 0xffff_fffe, ""),
    read: { type: FrameType.ERROR, streamId: 1, errorCode: 0xffff_fffe, error: "" },
  },
  {
    what: "METADATA_PUSH, whose metadata has no length",
    fields: [
      ["00000000", "stream 0"],
      ["3100", "type 0x0c, M"],
      ["68656c6c6f", "metadata hello"],
    ],
    write: (memory, at) => text(memory, write.writeMetadataPush(memory, at), "hello"),
    read: { type: FrameType.METADATA_PUSH, streamId: 0, metadata: "hello", data: "" },
  },
  {
    what: "RESUME",
    fields: [
      ["00000000", "stream 0"],
      ["3400", "type 0x0d"],
      ["0001 0000", "version 1.0"],
      ["0003 746f6b", "token tok"],
      ["0000000000000010", "received up to 16"],
      ["0000000100000002", "can repeat from 2^32 + 2"],
    ],
    write: (memory, at) => writeResume(memory, at, resume),
    read: { type: FrameType.RESUME, streamId: 0, flags: 0 },
  },
  {
    what: "RESUME_OK",
    fields: [
      ["00000000", "stream 0"],
      ["3800", "type 0x0e"],
      ["0000000000000010", "received up to 16"],
    ],
    write: (memory, at) => writeResumeOk(memory, at, 16),
    read: { type: FrameType.RESUME_OK, streamId: 0, position: 16, data: "" },
  },
];

for (const { what, fields, write: writeVector, read } of vectors) {
  const golden = Buffer.from(fields.map(([hex]) => hex.replaceAll(" ", "")).join(""), "hex");

  test(`${what} is written as the standard draws it`, () => {
    // Not at the memory's start, and over old bytes: every byte of the frame must be written.
    const memory = Buffer.alloc(200, 0xaa);
    const end = writeVector(memory, 7);
    assert.equal(memory.toString("hex", 7, end), golden.toString("hex"));
    assert.equal(memory[6], 0xaa);
    assert.equal(memory[end], 0xaa);
  });

  test(`${what} is read as the standard draws it`, () => {
    const memory = Buffer.alloc(200, 0xaa);
    golden.copy(memory, 7);
    const view = new FrameView();
    assert.equal(view.read(memory, 7, 7 + golden.length), undefined);
    const seen: Record<string, unknown> = {
      ...Object.fromEntries(Object.entries(view)),
      metadata: memory.toString("utf8", view.metadataFrom, view.metadataTo),
      data: memory.toString("utf8", view.dataFrom, view.dataTo),
      error: readErrorText(memory, view),
    };
    for (const [field, value] of Object.entries(read)) assert.deepEqual(seen[field], value, field);
  });
}

test("the table has every frame type of the standard but EXT, of which nothing is known", () => {
  const types = new Set(vectors.map(({ read }) => read["type"]));
  for (const type of Object.values(FrameType)) {
    if (type !== FrameType.EXT) assert.ok(types.has(type), frameName(type));
  }
});

test("the parts of SETUP and RESUME are read back, and their sizes foretold", () => {
  const memory = Buffer.alloc(200);
  const view = new FrameView();
  for (const one of [setup, resumableSetup]) {
    const end = writeSetup(memory, 3, one);
    assert.equal(end - 3, setupBytes(one));
    assert.equal(view.read(memory, 3, end), undefined);
    assert.deepEqual(readSetup(memory, view), one);
  }
  const end = writeResume(memory, 3, resume);
  assert.equal(end - 3, resumeBytes(resume));
  assert.equal(view.read(memory, 3, end), undefined);
  assert.deepEqual(readResume(memory, view), resume);
});

function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function text(memory: Buffer, at: number, value: string): number {
  return at + memory.write(value, at, "utf8");
}

/** Metadata `md` and data `data`. */
function body(memory: Buffer, at: number): number {
  const next = write.writeMetadataLength(memory, at, 2);
  return text(memory, text(memory, next, "md"), "data");
}

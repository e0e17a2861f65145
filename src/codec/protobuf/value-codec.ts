import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Codec } from "../codec.ts";
import { protobufId, protobufName } from "./codec-name.ts";
import type { MessageCodec } from "./message-codec.ts";

/** The most bytes that a writer may have grown to and still be used again. */
const writerBytesMax = 65_536;

/** A writer that nobody uses. To encode may run code of the user, which may encode: then there is none to spare. */
let spare: BinaryWriter | undefined;

/** The codec of a whole message. */
export function wholeCodec(message: MessageCodec): Codec {
  return {
    id: protobufId,
    name: protobufName,
    encode(value) {
      const writer = spare ?? new BinaryWriter();
      spare = undefined;
      message.write(writer, value, 0);
      const bytes = writer.finish();
      // One that threw is not clean, one that has grown would keep its memory.
      if (bytes.byteLength <= writerBytesMax) spare = writer;
      return bytes;
    },
    decode(memory, from, to) {
      return message.read(new BinaryReader(memory.subarray(from, to)), to - from, 0);
    },
  };
}

import { BinaryReader } from "@bufbuild/protobuf/wire";
import type { Codec } from "../codec.ts";
import type { MessageCodec } from "./message-codec.ts";
import { endAt, endOf, skip } from "./wire.ts";
import { wholeCodec } from "./value-codec.ts";

/** One message of a caller who sends a head and then items. */
export interface Part {
  readonly part: "head" | "item";
  readonly value: unknown;
}

/** The two members of `oneof part`, each as its tag. */
const tags = { head: 10, item: 18 } as const;

/** The codec of a head, or of an item, inside the message that can be both. */
export function partCodec(part: Part["part"], heads: MessageCodec, items: MessageCodec): Codec {
  const own = part === "head" ? heads : items;
  const whole = wholeCodec({
    write(writer, value, depth) {
      writer.uint32(tags[part]).fork();
      own.write(writer, value, depth + 1);
      writer.join();
    },
    read: own.read,
  });
  return {
    ...whole,
    decode(memory, from, to) {
      const came = partOf(memory, from, to, heads, items);
      if (came.part !== part)
        throw new TypeError(
          came.part === "head"
            ? "a second head came among the items"
            : "an item came before the head",
        );
      return came.value;
    },
  };
}

/** Reads the message that can be a head or an item. */
export function partOf(
  memory: Buffer,
  from: number,
  to: number,
  heads: MessageCodec,
  items: MessageCodec,
): Part {
  const reader = new BinaryReader(memory.subarray(from, to));
  const end = to - from;
  let part: Part | undefined;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === tags.head) part = { part: "head", value: readIn(reader, heads) };
    else if (tag === tags.item) part = { part: "item", value: readIn(reader, items) };
    else skip(reader, tag);
  }
  endAt(reader, end);
  if (part === undefined) throw new TypeError("a message came with neither head nor item in it");
  return part;
}

function readIn(reader: BinaryReader, codec: MessageCodec): unknown {
  return codec.read(reader, endOf(reader), 1);
}

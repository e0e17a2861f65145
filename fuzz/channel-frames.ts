import { Flag } from "../src/wire/frame-type.ts";
import {
  cancelFrame,
  creditFrame,
  errorFrame,
  fragmentsOf,
  itemFrame,
  mutated,
  streamFrame,
} from "./frames.ts";
import type { Input } from "./target.ts";

interface Sent {
  readonly frames: readonly Buffer[];
  readonly times: number;
}

/**
 * What either side may send on a channel, in any order: items before credit and beyond it, after the end and after CANCEL, the
 * end twice, floods of credit, an ERROR, fragments with others between them.
 */
export function* channelFrames(input: Input, streamId: number): Generator<Sent> {
  const one = (frame: Buffer, times: number = 1): Sent => ({ frames: [frame], times });
  for (let left = input.between(1, 14); left > 0; left--) {
    switch (input.between(0, 11)) {
      case 0:
        yield one(itemFrame(streamId, nothing, Flag.COMPLETE), input.pick([1, 1, 2]));
        break;
      case 1:
        yield one(itemFrame(streamId, item(input), Flag.NEXT | Flag.COMPLETE));
        break;
      case 2:
        yield one(creditFrame(input, streamId), input.pick([1, 1, 2, 100]));
        break;
      case 3:
        if (input.once(3)) yield one(cancelFrame(streamId), input.pick([1, 2]));
        break;
      case 4:
        if (input.once(4)) yield one(errorFrame(input, streamId));
        break;
      case 5: {
        const flags = input.pick([Flag.NEXT, Flag.NEXT | Flag.COMPLETE]);
        yield { frames: disturbed(input, streamId, flags), times: 1 };
        break;
      }
      case 6:
        yield one(streamFrame(input, { streamId }));
        break;
      case 7:
        yield one(itemFrame(streamId, item(input)), input.pick([2, 8, 9, 300]));
        break;
      case 8:
        yield one(mutated(input, itemFrame(streamId, item(input))));
        break;
      default:
        yield one(itemFrame(streamId, item(input)));
    }
  }
}

const nothing = Buffer.alloc(0);

function item(input: Input): Buffer {
  return Buffer.from(input.pick(["1", "1", "2.5", "null", '"x"', "[1]", "{", ""]));
}

/** An item in fragments, some of which are missing, or have something else before them. */
function disturbed(input: Input, streamId: number, flags: number): Buffer[] {
  const whole = itemFrame(streamId, Buffer.from("[1, 2, 3, 4]"), flags);
  return fragmentsOf(whole, input.pick([1, 5])).flatMap((fragment) => {
    if (input.once(12)) return [];
    if (!input.once(12)) return [fragment];
    const other = input.pick([
      creditFrame(input, streamId),
      itemFrame(streamId, item(input)),
      itemFrame(streamId, nothing, Flag.COMPLETE),
      cancelFrame(streamId),
    ]);
    return [other, fragment];
  });
}

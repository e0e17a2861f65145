import { deepEqual, ok, throws } from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";

import { parcelMessagesMax } from "./bounds.ts";
import { readParcel, writeParcel, type Parcel, type ParcelMessage } from "./parcel.ts";

const message: fc.Arbitrary<ParcelMessage> = fc.record({
  envelope: fc.record({
    id: fc.string(),
    type: fc.string(),
    source: fc.string(),
    subject: fc.option(fc.string({ unit: "binary" }), { nil: undefined }),
    time: fc.nat(),
    contentType: fc.string(),
    attributes: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string()),
    data: fc.uint8Array(),
  }),
  shard: fc.option(fc.string(), { nil: undefined }),
  attempt: fc.integer({ min: 1, max: 100 }),
});

const parcel: fc.Arbitrary<Parcel> = fc.record({
  to: fc.string(),
  from: fc.string(),
  patienceMs: fc.nat(),
  messages: fc.array(message, { maxLength: 5 }),
});

function plain({ messages, ...rest }: Parcel): unknown {
  const all = messages.map(({ envelope, ...each }) => ({
    ...each,
    envelope: { ...envelope, data: [...envelope.data], attributes: { ...envelope.attributes } },
  }));
  return { ...rest, messages: all };
}

suite("a parcel", () => {
  test("is read as it was written", () => {
    fc.assert(
      fc.property(parcel, (given) => {
        deepEqual(plain(readParcel(writeParcel(given))), plain(given));
      }),
    );
  });

  test("that was changed on its way is read or refused, and nothing else", () => {
    fc.assert(
      fc.property(parcel, fc.nat(), fc.nat(255), fc.boolean(), (given, at, byte, cut) => {
        const written = Buffer.from(writeParcel(given));
        const place = at % written.byteLength;
        written[place] = byte;
        try {
          readParcel(cut ? written.subarray(0, place) : written);
        } catch (error) {
          ok((error as { code?: string }).code === "INVALID_ARGUMENT", String(error));
        }
      }),
      { numRuns: 500 },
    );
  });

  test("has no more messages than may go together", () => {
    const [one] = fc.sample(message, 1);
    const messages = Array.from({ length: parcelMessagesMax + 1 }, () => one!);
    const written = writeParcel({ to: "c", from: "p", patienceMs: 0, messages });
    throws(() => readParcel(written), { code: "INVALID_ARGUMENT" });
  });
});

import { deepEqual, equal, ok } from "node:assert/strict";
import type { Format } from "../format.ts";
import { codecOrRefusal, read, throughJson, written } from "./carry.ts";
import type { Case } from "./case.ts";
import { corpus } from "./corpus.ts";
import { samplesOf, type Sample } from "./sample.ts";

export function roundTripCases(format: Format, refuses: readonly string[]): Case[] {
  const unknown = refuses.filter((name) => !corpus.some((sample) => sample.name === name));
  return [
    {
      name: "says what it is",
      play: () => {
        equal(unknown.join(", "), "", "samples that there are not");
        ok(
          format.id >= 1 && format.id <= 255 && format.id !== 2,
          "an id is one byte, and 2 is raw",
        );
        for (const type of format.mediaTypes) ok(/^[a-z]+\/[a-z0-9.+-]+$/.test(type), type);
      },
    },
    ...corpus.map((sample) => (refuses.includes(sample.name) ? refusal : carries)(format, sample)),
    {
      name: "writes nothing where nothing is declared",
      play: () => {
        const [sample] = samplesOf("nothing", [{ name: "nothing", schema: {}, values: [] }]);
        const { contract, operation } = sample!.type;
        const codec = format.codec({ contract, operation, part: "out" });
        equal(written(codec, undefined).length, 0);
        equal(read(codec, new Uint8Array()), undefined);
      },
    },
    { name: "reads what another codec of it has written", play: () => twice(format) },
  ];
}

function carries(format: Format, { name, type, values }: Sample): Case {
  return {
    name: `carries ${name}`,
    play: () => {
      const codec = format.codec(type);
      equal(codec.id, format.id);
      for (const value of values) {
        const bytes = written(codec, frozen(value));
        deepEqual(read(codec, bytes), throughJson(value));
      }
    },
  };
}

function refusal(format: Format, { name, type }: Sample): Case {
  return {
    name: `refuses ${name}`,
    play: () => equal(codecOrRefusal(format, type), undefined),
  };
}

/** The two sides of a wire have a codec each, from a description each. */
function twice(format: Format): void {
  for (const { type, values } of corpus) {
    const writer = codecOrRefusal(format, type);
    if (writer === undefined) continue;
    const contract = structuredClone(type.contract);
    const reader = format.codec({ ...type, contract });
    for (const value of values) deepEqual(read(reader, written(writer, value)), throughJson(value));
  }
}

/** Who writes a value must not change it. */
function frozen(value: unknown): unknown {
  if (typeof value === "object" && value !== null) {
    Object.freeze(value);
    Object.values(value).forEach(frozen);
  }
  return value;
}

import { equal, throws } from "node:assert/strict";
import type { JsonSchema } from "../../base/contract-shape.ts";
import type { Codec } from "../codec.ts";
import type { Format } from "../format.ts";
import { codecOrRefusal, mustBePlain, read, written } from "./carry.ts";
import type { Case } from "./case.ts";
import { corpus } from "./corpus.ts";
import { samplesOf } from "./sample.ts";

/** How many bytes of each sample are turned into others. */
const turnsMax = 400;

/** Only samples of at most so many bytes are taken apart byte by byte. */
const apartBytesMax = 1_000;

/** Levels that no reader has to bear. */
const tooDeep = 100_000;

/** Bombs of all formats: whatever they mean to this one, they end in an error or in a plain value. */
const bombs: readonly Buffer[] = [
  "[".repeat(tooDeep),
  '{"a":'.repeat(tooDeep),
  "<a>".repeat(tooDeep),
  `<a>${"<item>".repeat(tooDeep)}${"</item>".repeat(tooDeep)}</a>`,
  `<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;">]><a>&d;</a>`,
  `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`,
  `<a ${'b="c" '.repeat(10_000)}/>`,
  `<a>&#${"9".repeat(10_000)};</a>`,
  "<![CDATA[".repeat(10_000),
  "<!--".repeat(10_000),
  `1${"0".repeat(100_000)}`,
].map((text) => Buffer.from(text));

/** The same in bytes, hexadecimal. */
const binaryBombs: readonly Buffer[] = [
  "00",
  "ff",
  "dd ffffffff",
  "df ffffffff",
  "db ffffffff",
  "c6 ffffffff",
  "c9 ffffffff 72",
  "d4 72 40",
  "c1",
  "9b 00000000ffffffff",
  "bb 00000000ffffffff",
  "7a ffffffff",
  "5a ffffffff",
  "9f",
  "bf 6161 ff ff",
  "a1 6161 ff",
  "fe ff ff ff ff ff ff ff ff 01",
  "c301 0000000000000000 00",
  "0a ff ff ff ff 0f",
  "08 ff ff ff ff ff ff ff ff ff ff 01",
  "ff".repeat(64),
  "81".repeat(tooDeep),
  "91".repeat(tooDeep),
  "a16161".repeat(tooDeep),
  "81a161".repeat(tooDeep),
  "c1".repeat(tooDeep),
  "0b".repeat(tooDeep),
  "dd1fffffff".repeat(200),
  "9a1fffffff".repeat(200),
].map((hex) => Buffer.from(hex.replaceAll(" ", ""), "hex"));

const recursive: JsonSchema = {
  $ref: "#/$defs/Deep",
  $defs: {
    Deep: {
      type: "object",
      properties: { deeper: { $ref: "#/$defs/Deep" } },
    },
  },
};

export function hostileCases(format: Format): Case[] {
  const codecs = [
    ...corpus,
    ...samplesOf("deep", [{ name: "deep", schema: recursive, values: [] }]),
  ]
    .map(({ type, values }) => ({ codec: codecOrRefusal(format, type), values }))
    .filter(
      (each): each is { codec: Codec; values: readonly unknown[] } => each.codec !== undefined,
    );
  const small = (): { codec: Codec; bytes: Buffer }[] =>
    codecs.flatMap(({ codec, values }) =>
      values
        .map((value) => ({ codec, bytes: written(codec, value) }))
        .filter(({ bytes }) => bytes.length <= apartBytesMax),
    );
  return [
    {
      name: "survives what is cut short",
      play: () => {
        for (const { codec, bytes } of small())
          for (let length = 0; length < bytes.length; length++)
            survives(codec, bytes.subarray(0, length));
      },
    },
    {
      name: "refuses a byte behind the value",
      play: () => {
        for (const { codec, bytes } of small())
          throws(() => read(codec, Buffer.concat([bytes, Buffer.of(0)])));
      },
    },
    {
      name: "survives bytes that were changed on the way",
      play: () => {
        const random = dice();
        for (const { codec, bytes } of small()) {
          for (let turn = 0; turn < Math.min(turnsMax, bytes.length * 16); turn++) {
            const changed = Buffer.from(bytes);
            for (let left = 1 + (random() % 3); left > 0; left--)
              changed[random() % changed.length] = random();
            survives(codec, changed);
          }
        }
      },
    },
    {
      name: "survives bombs of depth, length and entities",
      play: () => {
        for (const { codec } of codecs)
          for (const bomb of [...bombs, ...binaryBombs]) survives(codec, bomb);
      },
    },
    {
      name: "writes what is very deep as it is, or refuses it",
      play: () => writesDeep(codecs.map(({ codec }) => codec)),
    },
  ];
}

function writesDeep(codecs: readonly Codec[]): void {
  let deep: unknown = {};
  for (let level = 0; level < tooDeep; level++) deep = { deeper: deep };
  for (const codec of codecs) {
    let bytes: Buffer;
    try {
      bytes = written(codec, deep);
    } catch (error) {
      equal(error instanceof Error, true);
      continue;
    }
    survives(codec, bytes);
  }
}

function survives(codec: Codec, bytes: Buffer): void {
  let value: unknown;
  try {
    value = read(codec, bytes);
  } catch (error) {
    equal(error instanceof Error, true, `what is thrown is an Error, not ${String(error)}`);
    return;
  }
  mustBePlain(value);
  equal(({} as Record<string, unknown>)["polluted"], undefined);
}

/** The same numbers each time (a linear congruence, of which the upper bits are good). */
function dice(): () => number {
  let state = 20_260;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 8;
  };
}

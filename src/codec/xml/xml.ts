import type { Codec } from "../codec.ts";
import type { Format, PayloadType } from "../format.ts";
import { payloadOf } from "../payload-schema.ts";
import { plainValue } from "../plain-value.ts";
import { Expected } from "./expected.ts";
import { parseXml } from "./parse-xml.ts";
import { readElement } from "./read-xml.ts";
import { writeElement } from "./write-xml.ts";

const [id, name] = [5, "xml"];

const declaration = '<?xml version="1.0" encoding="UTF-8"?>';

const format: Format = {
  name,
  id,
  mediaTypes: ["application/xml", "text/xml"],
  text: true,
  codec: codecOf,
};

/**
 * XML 1.0, by the library fast-xml-parser: `npm i fast-xml-parser`. Fields are elements, items are `<item>`s; where the
 * contract's schema does not say of what type something is, the element does. docs/formats.md has the mapping. Documents
 * with a document type are refused, and so are entities but the five of XML.
 */
export function xml(): Format {
  return format;
}

function codecOf(type: PayloadType): Codec {
  const { what, schema } = payloadOf(type);
  const expected = Expected.of(schema);
  return {
    id,
    name,
    encode(value) {
      if (value === undefined) return "";
      return declaration + writeElement(what, plainValue(value), expected);
    },
    decode(memory, from, to) {
      if (from === to) return undefined;
      return readElement(parseXml(memory.subarray(from, to)), expected);
    },
  };
}

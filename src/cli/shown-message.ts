import { timestamp } from "../base/timestamp.ts";
import type { Envelope } from "../broker/envelope.ts";

/** A message for programs; data that is JSON as what it is, other text as text, all else in base64. */
export function plainMessage(envelope: Envelope): object {
  const { id, type, source, subject: key, time, contentType, attributes } = envelope;
  return {
    ...{ id, type, source, key, time: timestamp(time), contentType, attributes },
    data: plainData(envelope),
  };
}

function plainData({ data, contentType }: Envelope): unknown {
  const text = textIn(data);
  if (text === undefined) return { base64: Buffer.from(data).toString("base64") };
  if (!/[/+]json\b/.test(contentType)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** A message in one line, for people. */
export function messageLine(envelope: Envelope): string {
  const { time, type, subject = "-" } = envelope;
  const data = textIn(envelope.data) ?? `${envelope.data.length} bytes`;
  return `${timestamp(time)}  ${type}  ${subject}  ${data.replaceAll(/\s+/g, " ")}\n`;
}

function textIn(data: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(data);
  } catch {
    return undefined;
  }
}

import type { Taken } from "../../../broker/embedded/any-queue.ts";
import { plainTable } from "../../../broker/embedded/definitions/plain-table.ts";
import type { Message } from "../../../broker/embedded/message.ts";
import type { Json } from "../../../broker/embedded/storage.ts";
import { ByteReader } from "../../../wire/amqp091/byte-reader.ts";
import {
  readProperties,
  writeProperties,
  type Properties,
} from "../../../wire/amqp091/properties.ts";
import { contentScan, readKnown, type Known } from "../../content.ts";
import { Failed, type Asked } from "../asked.ts";

type Name = keyof Properties;

/** The properties by their names in JSON. */
const jsonNames: Readonly<Record<string, Name>> = {
  content_type: "contentType",
  content_encoding: "contentEncoding",
  headers: "headers",
  delivery_mode: "deliveryMode",
  priority: "priority",
  correlation_id: "correlationId",
  reply_to: "replyTo",
  expiration: "expiration",
  message_id: "messageId",
  timestamp: "timestamp",
  type: "type",
  user_id: "userId",
  app_id: "appId",
  cluster_id: "clusterId",
};

/** The message that is to be published, and what its properties say besides, read as if it came by AMQP. @throws Failed, Fault */
export function messageOf(
  asked: Asked,
  exchange: string,
  routingKey: string,
): Message & Pick<Known, "delayMs" | "userId"> {
  const payload = asked.text("payload", "");
  const encoding = asked.text("payload_encoding", "string");
  if (encoding !== "string" && encoding !== "base64")
    throw new Failed(400, "bad_request", "'payload_encoding' is string or base64");
  const properties: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(asked.table("properties"))) {
    const known = jsonNames[name];
    if (known === undefined) throw new Failed(400, "bad_request", `there is no property '${name}'`);
    properties[known] = known === "expiration" && typeof value === "number" ? `${value}` : value;
  }
  const known = readKnown(new ByteReader(encoded(properties)), contentScan());
  const body = Buffer.from(payload, encoding === "base64" ? "base64" : "utf8");
  const { persistent, priority, expirationMs, key, delayMs, userId } = known;
  return {
    ...{ exchange, routingKey, properties: known.properties, body },
    ...{ persistent, priority, expirationMs, key, delayMs, userId },
  };
}

function encoded(properties: Properties): Buffer {
  try {
    return writeProperties(properties);
  } catch (error) {
    throw new Failed(400, "bad_request", (error as Error).message);
  }
}

export function shownMessage({ handed, remaining }: Taken, cut: number, base64: boolean): Json {
  const { exchange, routingKey, body, properties } = handed.message;
  const part = Buffer.from(body.subarray(0, Math.min(cut, body.byteLength)));
  const text = base64 ? undefined : asText(part);
  return {
    ...{ payload_bytes: body.byteLength, redelivered: handed.redelivered, exchange },
    ...{ routing_key: routingKey, message_count: remaining },
    properties: shownProperties(properties),
    payload: text ?? part.toString("base64"),
    payload_encoding: text === undefined ? "base64" : "string",
  };
}

function asText(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function shownProperties(bytes: Uint8Array): Json {
  const properties = readProperties(bytes);
  const shown: Record<string, Json> = {};
  for (const [json, name] of Object.entries(jsonNames)) {
    const value = properties[name];
    if (value === undefined) continue;
    shown[json] = name === "headers" ? plainTable(properties.headers!) : (value as Json);
  }
  return shown;
}

import { isRecord } from "../../../../schema/dialect.ts";
import { sampleOf } from "./sample.ts";

/** Where the service is, until a browser knows better. */
const originMark = "ORIGIN";

/** What is needed to ask an operation, as the page's form and its curl line show it. */
export interface Request {
  readonly method: string;
  /** With the values of parameters in it. */
  readonly path: string;
  readonly contentType: string | undefined;
  /** Text that fits the schema; undefined: there is no body, or it is bytes. */
  readonly body: string | undefined;
  /** Of `Accept`, where the answer is not just JSON. */
  readonly accept: string | undefined;
}

export function requestOf(
  method: string,
  path: string,
  operation: Readonly<Record<string, unknown>>,
  components: Readonly<Record<string, unknown>>,
): Request {
  const parameters = (operation["parameters"] ?? []) as readonly Readonly<
    Record<string, unknown>
  >[];
  const value = (parameter: Readonly<Record<string, unknown>>): string => {
    const told = sampleOf(parameter["schema"], components);
    const sample = told === "text" && parameter["in"] === "path" ? "1" : told;
    return encodeURIComponent(String(Array.isArray(sample) ? sample[0] : sample));
  };
  const filled = parameters
    .filter((each) => each["in"] === "path")
    .reduce((text, each) => text.replaceAll(`{${String(each["name"])}}`, value(each)), path);
  const query = parameters
    .filter((each) => each["in"] === "query" && each["required"] === true)
    .map((each) => `${encodeURIComponent(String(each["name"]))}=${value(each)}`);
  const content = contentOf(operation["requestBody"]);
  const [contentType, media] = Object.entries(content)[0] ?? [];
  const text = contentType === undefined ? undefined : bodyText(contentType, media, components);
  const answered = Object.keys(contentOf(okOf(operation)));
  return {
    method: method.toUpperCase(),
    path: query.length === 0 ? filled : `${filled}?${query.join("&")}`,
    contentType,
    body: text,
    accept: answered.includes("text/event-stream") ? "text/event-stream" : undefined,
  };
}

function bodyText(
  contentType: string,
  media: unknown,
  components: Readonly<Record<string, unknown>>,
): string | undefined {
  if (!/json/.test(contentType)) return undefined;
  return JSON.stringify(sampleOf(isRecord(media) ? media["schema"] : {}, components));
}

function okOf({ responses }: Readonly<Record<string, unknown>>): unknown {
  const all = isRecord(responses) ? responses : {};
  return Object.entries(all).find(([status]) => status.startsWith("2"))?.[1];
}

export function contentOf(part: unknown): Readonly<Record<string, unknown>> {
  const content = isRecord(part) ? part["content"] : undefined;
  return isRecord(content) ? content : {};
}

/** A line for a shell. */
export function curlLine(request: Request): string {
  const { method, path, contentType, body, accept } = request;
  const parts = ["curl"];
  if (accept !== undefined) parts.push("-N");
  if (method !== "GET" && !(method === "POST" && contentType !== undefined))
    parts.push("-X", method);
  parts.push(quoted(`${originMark}${path}`));
  if (accept !== undefined) parts.push("-H", quoted(`accept: ${accept}`));
  if (contentType !== undefined) {
    parts.push("-H", quoted(`content-type: ${contentType}`));
    parts.push(...(body === undefined ? ["--data-binary", "@FILE"] : ["-d", quoted(body)]));
  }
  return parts.join(" ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

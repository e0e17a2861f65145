// The headers that Trunkline adds to HTTP; all others are the standards'.

/** `no`, `maybe` or `yes`, on every failure: whether the handler ran. */
export const executedHeader = "trunkline-executed";

/** The code of a failure: `NOT_FOUND`. */
export const codeHeader = "trunkline-code";

/** When it is worth trying again, in milliseconds, or `never`: what `Retry-After` says in whole seconds. */
export const retryAfterMsHeader = "trunkline-retry-after-ms";

/** How long the caller waits for the answer, or for the acceptance of items, in milliseconds from now. */
export const timeoutHeader = "trunkline-timeout-ms";

/** How long the caller waits for the end of a stream or upload, in milliseconds from now. */
export const totalHeader = "trunkline-total-ms";

/**
 * `102`: the caller of an upload waits for this interim answer before it sends items. It is given when the handler opens them,
 * as 100 is to those who send `Expect: 100-continue`, which not every client can.
 */
export const acceptanceHeader = "trunkline-acceptance";

/** By which a repeated request is recognised (draft-ietf-httpapi-idempotency-key-header): a quoted string. */
export const idempotencyKeyHeader = "idempotency-key";

/** Text as a header's value: bytes above ASCII are those of its UTF-8, which HTTP carries and does not interpret (RFC 9110, 5.5). */
export function headerValue(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : Buffer.from(text).toString("latin1");
}

/** The text of a header's value; one that is not UTF-8 is taken as it came. */
export function headerText(value: string): string {
  if (!/[\u0080-\u00ff]/.test(value)) return value;
  const text = Buffer.from(value, "latin1").toString();
  return text.includes("\ufffd") ? value : text;
}

/** A key as it stands in its header. */
export function quoted(key: string): string {
  return `"${headerValue(key).replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/** The key of its header, quoted or not. */
export function unquoted(value: string): string {
  const inside = /^"(.*)"$/s.exec(value)?.[1];
  return headerText(inside === undefined ? value : inside.replaceAll(/\\(.)/g, "$1"));
}

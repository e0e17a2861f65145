import { systemError } from "../../base/error.ts";

/** What a token says. */
export interface CommandToken {
  /** `orders@1/ship` */
  readonly operation: string;
  readonly id: string;
  /** When it was sent, in milliseconds since 1970. */
  readonly sentAt: number;
  /** The durable box that its reply goes to; undefined: the box is gone with the process that has sent it. */
  readonly box: string | undefined;
}

const version = "1";
const charsMax = 1_024;

/** Text that a person can read: `1:orders@1/ship:1767225600000:0190…:checkout`. */
export function tokenText({ operation, id, sentAt, box }: CommandToken): string {
  return [version, operation, sentAt, encodeURIComponent(id), encodeURIComponent(box ?? "")].join(
    ":",
  );
}

/** @throws TrunklineError INVALID_ARGUMENT for what is no token of that operation. */
export function readToken(text: string, operation: string): CommandToken {
  if (typeof text !== "string" || text.length > charsMax) throw refused("this is no token");
  const [said, named = "", time = "", id = "", box, ...rest] = text.split(":");
  if (said !== version || box === undefined || rest.length > 0 || !/^\d{1,15}$/.test(time))
    throw refused(`this is no token: ${JSON.stringify(text.slice(0, 100))}`);
  if (named !== operation) throw refused(`the token is of ${named}, not of ${operation}`);
  try {
    const name = decodeURIComponent(box);
    const token = { operation, id: decodeURIComponent(id), sentAt: Number(time) };
    if (token.id === "") throw new URIError("it names no command");
    return { ...token, box: name === "" ? undefined : name };
  } catch {
    throw refused(`this is no token: ${JSON.stringify(text.slice(0, 100))}`);
  }
}

function refused(reason: string): Error {
  return systemError("INVALID_ARGUMENT", reason, {
    executed: "maybe",
    advice: "pass the text that handle.token gave, to the same operation",
  });
}

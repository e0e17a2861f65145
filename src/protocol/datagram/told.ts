import { isLane, triesMax } from "../standing.ts";
import { systemError } from "../../base/error.ts";

/** What few notifications have to tell, beside what all do. */
export interface Told {
  readonly idempotencyKey: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly lane: string | undefined;
  readonly tries: number | undefined;
}

/** The most bytes of it: 16 bits say how many. */
const toldBytesMax = 0xffff;

/** As JSON; undefined: there is nothing to tell. */
export function writeTold(told: Told): Buffer | undefined {
  const { idempotencyKey: key, headers, lane, tries } = told;
  if ((key ?? headers ?? lane ?? tries) === undefined) return undefined;
  const written = Buffer.from(JSON.stringify({ key, headers, lane, tries }));
  if (written.length <= toldBytesMax) return written;
  throw systemError("RESOURCE_EXHAUSTED", `its headers take ${written.length} bytes`, {
    executed: "no",
    retryAfterMs: "never",
    advice: "send less of them: with all of it a datagram has no room for 65,535",
  });
}

/** Throws when it is not what `writeTold` writes. */
export function readTold(memory: Buffer | undefined): Partial<Told> {
  if (memory === undefined) return {};
  const value: unknown = JSON.parse(memory.toString());
  if (typeof value !== "object" || value === null) throw new Error("what it tells is no object");
  const { key, headers = {}, lane, tries } = value as Readonly<Record<string, unknown>>;
  if (key !== undefined && typeof key !== "string") throw new Error("its key is no text");
  if (lane !== undefined && !(typeof lane === "string" && isLane(lane)))
    throw new Error("its lane is none");
  if (tries !== undefined && !(Number.isInteger(tries) && Number(tries) >= 0))
    throw new Error("its tries are no number");
  return {
    idempotencyKey: key,
    headers: textsOf(headers),
    lane,
    tries: tries === undefined ? undefined : Math.min(triesMax, Number(tries)),
  };
}

function textsOf(headers: unknown): Readonly<Record<string, string>> {
  if (typeof headers !== "object" || headers === null) throw new Error("its headers are none");
  const entries = Object.entries(headers);
  if (entries.some(([, text]) => typeof text !== "string")) throw new Error("a header is no text");
  return Object.fromEntries(entries) as Record<string, string>;
}

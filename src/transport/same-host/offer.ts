import { hostId } from "../../base/host-id.ts";

/** What the side that was dialled says of the door at which the other one may come in. */
export interface Offer {
  /** The connection as this side sees it: `localEnds`. */
  readonly ends: string;
  /** Names this connection to the door; nobody else knows it. */
  readonly token: Buffer;
  /** Where the socket of the door is. */
  readonly path: string;
  /** What the connection over that socket can move to in turn; empty: nothing. */
  readonly next: string;
}

/** The form of the offer, and the conversation that follows. */
const version = "host/1";

export const tokenBytes = 16;

/** Longer ones are none: a path of a socket, and what stands around it. */
const offerLengthMax = 512;

/** Paths with other characters are not offered: they part the text. */
const plainPath = /^\/[\w./-]+$/;

export function writeOffer({ ends, token, path, next }: Offer): string | undefined {
  if (!plainPath.test(path)) return undefined;
  return [version, hostId(), ends, token.toString("hex"), path, next].join(" ");
}

/** What the peer offers; undefined: nothing that this version knows, or it is on another host, or on another network of it. */
export function readOffer(text: string): Offer | undefined {
  if (text.length > offerLengthMax) return undefined;
  const [form, host, ends = "", tokenText = "", path = "", next = ""] = text.split(" ");
  const token = Buffer.from(tokenText, "hex");
  if (form !== version || host !== hostId()) return undefined;
  if (token.length !== tokenBytes || !plainPath.test(path)) return undefined;
  return { ends, token, path, next };
}

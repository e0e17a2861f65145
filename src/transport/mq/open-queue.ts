import { fstatSync } from "node:fs";

import type { Addon } from "../../os/addon.ts";
import type { Address } from "../address.ts";
import { ownUser } from "../../base/process-owner.ts";
import type { QueueTerms } from "./queue-terms.ts";
import { otherBounds, queueRefused, strangers } from "./refusal.ts";

/** How often others may get in between before we give up: each round somebody has made or removed it. */
const roundsMax = 16;

/** A queue that is open, and its bounds. */
export interface OpenQueue extends QueueTerms {
  readonly fd: number;
}

export const access = { read: 0, write: 1, both: 2 } as const;

/** Opens a queue that is there; the negative number of an error when it cannot. */
export function openedQueue(
  os: Addon,
  name: string,
  how: (typeof access)[keyof typeof access],
): OpenQueue | number {
  return errnoOr(() => about(os, os.queueOpen(name, how, false, 0, 0, 0)));
}

/**
 * Opens a queue for reading and writing, and makes it when it is missing.
 *
 * @throws TrunklineError as `receive` of `mq` says.
 */
export function madeQueue(os: Addon, address: Address, mode: number, terms: QueueTerms): OpenQueue {
  const { place } = address;
  let last = 0;
  for (let round = 0; round < roundsMax; round++) {
    const found = openedQueue(os, place, access.both);
    if (typeof found === "object") return asAsked(os, address, mode, terms, found);
    if (found !== -enoent) throw queueRefused(address, found, terms);
    const made = errnoOr(() =>
      about(os, os.queueOpen(place, access.both, true, mode, terms.messages, terms.bytes)),
    );
    if (typeof made === "object") return made;
    if (made !== -eexist) throw queueRefused(address, made, terms);
    last = made;
  }
  throw queueRefused(address, last, terms);
}

const enoent = 2;
const eexist = 17;

/** Bounds that are there without having been asked for are fine. Names are everybody's: where a queue is the user's alone, nobody else has made it. */
function asAsked(
  os: Addon,
  address: Address,
  mode: number,
  asked: QueueTerms,
  found: OpenQueue,
): OpenQueue {
  const { uid } = fstatSync(found.fd);
  if ((mode & 0o066) === 0 && uid !== 0 && uid !== ownUser()) {
    os.descriptorClose(found.fd);
    throw strangers(address, uid);
  }
  const { messages, bytes } = address.parameters ?? {};
  const differs =
    (messages !== undefined && found.messages !== asked.messages) ||
    (bytes !== undefined && found.bytes !== asked.bytes);
  if (!differs) return found;
  os.descriptorClose(found.fd);
  throw otherBounds(address, asked, found);
}

function about(os: Addon, fd: number): OpenQueue {
  const { messagesMax, bytesMax } = os.queueAbout(fd);
  return { fd, messages: messagesMax, bytes: bytesMax };
}

function errnoOr(open: () => OpenQueue): OpenQueue | number {
  try {
    return open();
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException;
    if (errno === undefined) throw error;
    return errno;
  }
}

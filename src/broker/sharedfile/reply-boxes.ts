import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import type { Delivery, ReplyBox, ReplyTerms } from "../broker.ts";
import { channel, type Channel } from "../channel.ts";
import type { Envelope } from "../envelope.ts";
import { ChannelFolder } from "./channel-folder.ts";
import type { Claimant } from "./claimant.ts";
import { GroupConsumer } from "./group-consumer.ts";
import { writeLine } from "./line.ts";
import { fileNameOf } from "./names.ts";
import type { Folder } from "./place.ts";
import type { Writers } from "./writers.ts";

/** How long replies are kept, and boxes of processes that have died. */
const keptMs = 24 * 3_600_000;
const prefetch = 1_000;
/** Begins the names of boxes that go with their process. */
const once = "once.";
const kept = "kept.";

export interface ReplyBoxesTerms {
  readonly folder: Folder;
  readonly claimant: Claimant;
  readonly name: string;
  readonly waitMs: number;
  readonly env: Env;
}

/** Reply boxes are channels of their own, that whoever opens them reads from a place of his own. */
export class ReplyBoxes {
  readonly #terms: ReplyBoxesTerms;
  readonly #writers: Writers;
  readonly #open = new Set<ReplyBox>();

  constructor(terms: ReplyBoxesTerms, writers: Writers) {
    this.#terms = terms;
    this.#writers = writers;
  }

  async open({ name, since }: ReplyTerms, heard: (envelope: Envelope) => void): Promise<ReplyBox> {
    const { folder, claimant, waitMs, env } = this.#terms;
    if (name === undefined) await this.#sweep();
    const address = name === undefined ? `${once}${uuidv7(env)}` : `${kept}${name}`;
    const box = boxOf(address);
    const declared = await ChannelFolder.declare(folder.replies, box, claimant, waitMs, env);
    const consumer = await GroupConsumer.open(
      {
        channel: declared.folder,
        folder: undefined,
        subscription: { channel: box, group: undefined, prefetch, from: since ?? "new" },
        ...{ name: this.#terms.name, synced: false, told: folder.told, env },
        closed: () => {},
      },
      (batch) => hear(batch, heard),
    );
    const close = async (): Promise<void> => {
      if (!this.#open.delete(opened)) return;
      await consumer.close();
      if (name === undefined) await rm(declared.folder.path, { recursive: true, force: true });
    };
    const opened: ReplyBox = { address, close, [Symbol.asyncDispose]: close };
    this.#open.add(opened);
    return opened;
  }

  /** To a box that is not there any more nothing is sent: nobody would read it. */
  async send(to: string, envelope: Envelope): Promise<void> {
    const { folder, env } = this.#terms;
    if (!to.startsWith(once) && !to.startsWith(kept))
      throw systemError(
        "INVALID_ARGUMENT",
        `${JSON.stringify(to)} is no reply box of shared files`,
        {
          executed: "no",
        },
      );
    const box = await ChannelFolder.find(folder.replies, to, env);
    if (box === undefined) return;
    const outcome = await this.#writers.of(box, 0).append(writeLine({ envelope, to: undefined }));
    if (isTrunklineError(outcome) && (await isThere(box.path))) throw outcome;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((each) => each.close()));
  }

  /** Removes the boxes of processes that have died. */
  async #sweep(): Promise<void> {
    const { folder, env } = this.#terms;
    for (const name of await readdir(folder.replies)) {
      if (!name.startsWith(fileNameOf(once))) continue;
      const path = join(folder.replies, name);
      const stats = await stat(join(path, "0000")).catch(() => undefined);
      if (stats !== undefined && env.wall() - stats.mtimeMs > keptMs)
        await rm(path, { recursive: true, force: true });
    }
  }
}

function hear(batch: readonly Delivery[], heard: (envelope: Envelope) => void): void {
  for (const delivery of batch) {
    void delivery.ack().catch(() => {});
    if (delivery.malformed === undefined) heard(delivery.envelope);
  }
}

function boxOf(name: string): Channel {
  return { ...channel({ name: "reply", shape: "topic", retentionMs: keptMs }), name };
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

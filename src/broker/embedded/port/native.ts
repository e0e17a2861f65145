import { systemError } from "../../../base/error.ts";
import type { Channel } from "../../channel.ts";
import type { Level } from "../storage.ts";
import type { Table } from "../terms.ts";

/** What concerns the embedded broker alone: `native: { embedded: { … } }` of a channel. */
export interface EmbeddedChannel {
  /**
   * How far a message has come when its receipt says `stored`. `disk` (the default): it is synced, and outlives the machine's power;
   * `os`: the operating system has it, and it outlives the process.
   */
  readonly level?: "os" | "disk";
  /** An exchange of yours: there goes what the broker itself gives up, because it has expired. */
  readonly deadLetter?: { readonly exchange: string; readonly routingKey?: string };
  /** More arguments of the queues, in the words of AMQP: for clients that declare them too, as they must declare the same. */
  readonly arguments?: Table;
}

const known: ReadonlySet<string> = new Set(["level", "deadLetter", "arguments"]);

/** What a channel says for the embedded broker. Refuses names and values that mean nothing with INVALID_ARGUMENT. */
export function nativeOf({ name, native }: Channel): EmbeddedChannel {
  const said = (native["embedded"] ?? {}) as EmbeddedChannel;
  const unknown = Object.keys(said).find((key) => !known.has(key));
  if (unknown !== undefined)
    throw refused(name, `has no "${unknown}"`, `it may have ${[...known].join(", ")}`);
  const { level = "disk" }: { readonly level?: Level } = said;
  if (level !== "disk" && level !== "os")
    throw refused(
      name,
      `cannot have the level "${String(level)}"`,
      'write "disk" or "os"; what may be lost is declared as at-most-once',
    );
  return said;
}

function refused(name: string, what: string, advice: string): Error {
  return systemError("INVALID_ARGUMENT", `the channel ${name}: native.embedded ${what}`, {
    executed: "no",
    advice,
  });
}

import type { Discovery, Instance } from "../../discovery/discovery.ts";
import type { Caller, Dispatcher } from "../../protocol/protocol.ts";

/** What brokerless messaging stands on: how processes find, hear and reach each other. */
export interface Ground {
  readonly discovery: Discovery;
  /** Which host this process is on; undefined: not known. */
  readonly hostId?: string | undefined;
  /** Listens where others can come. Called once, when there is something to hear. */
  listen(dispatcher: Dispatcher, instance: string): Promise<Listening>;
  /** A caller of a process. Throws UNAVAILABLE, `executed: "no"`, when none of its addresses can be used from here. */
  dial(instance: Instance): Dialled;
  /** Nothing of it is used any more. */
  release(): Promise<void>;
}

export interface Dialled {
  readonly caller: Caller;
  /** Closes it. */
  readonly release: () => Promise<void>;
}

export interface Listening {
  /** Where others reach it, the best first. */
  readonly addresses: readonly string[];
  /** Lets requests under way end within that time, in milliseconds. */
  close(withinMs: number): Promise<void>;
}

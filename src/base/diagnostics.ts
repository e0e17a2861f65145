import type { Kind } from "./handler.ts";
import type { Executed } from "./outcome.ts";
import { channel, type Channel } from "node:diagnostics_channel";
import { inspect } from "node:util";

/**
 * Where Trunkline tells what happens. It has no logger: subscribe with `node:diagnostics_channel`. Nothing is made for
 * a channel that has no subscriber.
 */
export const channels: {
  /** `CallEvent`: a call or notification ended, on the client's or the server's side. */
  readonly call: Channel;
  /** `CallEvent`: a stream, upload or duplex ended. */
  readonly stream: Channel;
  /** `AttemptEvent`: one try of a request failed; the request may go on. */
  readonly attempt: Channel;
  /** `ConnectionEvent`: a connection opened, moved to a faster way, began to drain, or closed. */
  readonly connection: Channel;
  /** `RefusalEvent`: a request was refused before its handler ran. */
  readonly refusal: Channel;
  /** `IncidentEvent`: a handler threw what its contract does not declare. */
  readonly incident: Channel;
  /** `DiscoveryEvent`: a registry stopped or began to answer, or holds what cannot be used. */
  readonly discovery: Channel;
  /** `MessageEvent`: an attempt at handling a message ended, or it was settled without one. */
  readonly message: Channel;
  /** `BrokerEvent`: the connection to a broker was lost or made again, or it takes no more for now. */
  readonly broker: Channel;
  /** `DeadLetterEvent`: a message became a dead letter or left them, a key was blocked or freed, or there are too many. */
  readonly deadLetter: Channel;
  /** `OutboxEvent`: a message of an outbox was refused or given up, or its relay cannot go on for now. */
  readonly outbox: Channel;
  /** `InboxEvent`: messages of a key that count themselves have gaps, or came in another order; old marks cannot be taken out. */
  readonly inbox: Channel;
} = {
  call: channel("trunkline:call"),
  stream: channel("trunkline:stream"),
  attempt: channel("trunkline:attempt"),
  connection: channel("trunkline:connection"),
  refusal: channel("trunkline:refusal"),
  incident: channel("trunkline:incident"),
  discovery: channel("trunkline:discovery"),
  message: channel("trunkline:message"),
  broker: channel("trunkline:broker"),
  deadLetter: channel("trunkline:dead-letter"),
  outbox: channel("trunkline:outbox"),
  inbox: channel("trunkline:inbox"),
};

export interface CallEvent {
  readonly side: "client" | "server";
  readonly operation: string;
  readonly kind: Kind;
  /** W3C `traceparent` of this call, the same on both sides: by it the two halves of a call are found again. */
  readonly traceparent: string;
  /**
   * The `traceparent` of the served call that made this one: whose child it is in the tree of the trace. Told on the
   * client's side; undefined where a trace begins.
   */
  readonly parent?: string | undefined;
  /** The `traceparent` of the work that this call came from when it is not part of its trace. */
  readonly link?: string | undefined;
  /** The address that was called, or of the connection by which it came. */
  readonly endpoint: string;
  /** `OK`, or the code of the failure. */
  readonly code: string;
  readonly durationMs: number;
}

/** Told by consumers, of each message as often as something becomes of it. */
export interface MessageEvent {
  readonly operation: string;
  readonly kind: Kind;
  readonly group: string;
  /** Of the message: the same for all its deliveries. */
  readonly id: string;
  readonly traceparent: string | undefined;
  /**
   * `handled`; `retry`: it comes again; `dead`: it is kept with the dead letters; `duplicate`, `expired`, `unwanted`: settled unseen;
   * `fenced`: it was handled, and belongs to somebody else by now, who handles it again; `lost`: it failed, and is delivered at most once.
   */
  readonly outcome:
    | "handled"
    | "retry"
    | "dead"
    | "duplicate"
    | "expired"
    | "unwanted"
    | "fenced"
    | "lost";
  readonly attempt: number;
  /** Why it failed, where it has. */
  readonly code?: string | undefined;
  readonly reason?: string | undefined;
  /** From the beginning of the attempt; 0 where there was none. */
  readonly durationMs: number;
}

export interface BrokerEvent {
  /** Where it is, without credentials. */
  readonly address: string;
  /**
   * `blocked`: it takes no more for now; publishers wait. `missed`: where messages may be lost, some were that others have sent, or what came was none;
   * told once a second at most.
   */
  readonly state: "connected" | "lost" | "blocked" | "unblocked" | "missed";
  readonly reason?: string | undefined;
}

/** Told by consumers, and by whoever redrives. */
export interface DeadLetterEvent {
  /** The channel whose consumer gave it up. */
  readonly channel: string;
  /** Its group; empty for a queue. */
  readonly group: string;
  /**
   * `buried`: it is with the dead letters; `redriven`: it went back to its group; `blocked`, `freed`: of a key;
   * `stopped`: a key or shard stops for a message, which is tried, or given up, again; `full`: there are more dead letters than there should be; `unseen`: there
   * can be no dead letters (a full disk, a missing right), or it cannot be said which keys are blocked, and consumers wait; `redrive`: one has ended.
   */
  readonly what:
    | "buried"
    | "redriven"
    | "blocked"
    | "freed"
    | "stopped"
    | "full"
    | "unseen"
    | "redrive";
  /** The id of the message. */
  readonly id?: string | undefined;
  readonly key?: string | undefined;
  /** Who redrives. */
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

/** Told by relays. */
export interface OutboxEvent {
  /** The database, without credentials. */
  readonly store: string;
  /**
   * `refused`: the broker does not take a message, for the first time, or so often that somebody should look; `dead`: it was given up, or
   * follows one of its key that was; `trouble`: nothing is published for now; `log`: the log of the database is followed, or not any
   * more, or may not be for long; both are told once for each reason.
   */
  readonly what: "refused" | "dead" | "trouble" | "log";
  /** The id of the message. */
  readonly id?: string | undefined;
  readonly lane?: number | undefined;
  readonly key?: string | undefined;
  readonly reason: string;
}

/** Told by consumers with a store. */
export interface InboxEvent {
  /** The database, without credentials. */
  readonly store: string;
  /**
   * Of messages that say which of their key they are, and are not refused: `gap`: some of its key before it were not processed here;
   * `earlier`: a later one was processed before. `unpurged`: old marks cannot be taken out, told once until they can.
   */
  readonly what: "gap" | "earlier" | "unpurged";
  readonly consumer?: string | undefined;
  /** The id of the message. */
  readonly id?: string | undefined;
  readonly key?: string | undefined;
  readonly sequence?: number | undefined;
  readonly reason?: string | undefined;
}

/** Told on the client's side, of each try that failed: those after which the call succeeds are seen nowhere else. */
export interface AttemptEvent {
  readonly operation: string;
  /** The same for all tries of a call. */
  readonly traceparent: string;
  readonly idempotencyKey: string | undefined;
  /** The address that was tried. */
  readonly endpoint: string;
  readonly code: string;
  readonly executed: Executed;
  /** The call goes on: it is tried again, or another try is under way. */
  readonly again: boolean;
}

export interface ConnectionEvent {
  readonly side: "client" | "server";
  readonly endpoint: string;
  /** Which one: all that is told of a connection has the same number, which no other has in this thread. Not said of HTTP. */
  readonly connection?: number | undefined;
  /** `moved`: it goes on by `way`, on the same host. `stayed`: it was to move, and does not, for `reason`. */
  readonly state: "open" | "moved" | "stayed" | "draining" | "closed";
  readonly reason?: string | undefined;
  /** What carries it from here on: `unix` or `shm`. Only when it has moved. */
  readonly way?: string | undefined;
}

export interface RefusalEvent {
  readonly operation: string;
  readonly code: string;
  readonly reason: string;
}

export interface IncidentEvent {
  /** The id that the caller got in its INTERNAL error. */
  readonly id: string;
  readonly operation: string;
  readonly error: unknown;
}

export interface DiscoveryEvent {
  /** The name of the registry: `directory`, `etcd`. */
  readonly registry: string;
  readonly service: string;
  /** `ignored`: something in the registry is no instance, or is one too many. `unsaved`: the last good instances could not be kept. */
  readonly what: "available" | "unavailable" | "ignored" | "unsaved";
  readonly reason?: string | undefined;
}

/**
 * Tells of an exception that nobody expected. Without a subscriber it becomes a process warning, which Node prints:
 * an exception is never swallowed.
 */
export function reportIncident(event: IncidentEvent): void {
  if (channels.incident.hasSubscribers) {
    channels.incident.publish(event);
    return;
  }
  process.emitWarning(
    `${event.operation} threw (report ${event.id}): ${told(event.error)}`,
    "TrunklineIncident",
  );
}

/** Whatever was thrown, as text; one who tells of an exception must not throw another. */
function told(error: unknown): string {
  try {
    return typeof error === "string" ? error : inspect(error);
  } catch {
    return `a ${typeof error} that cannot be shown`;
  }
}

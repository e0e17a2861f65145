import type { Env } from "../../base/env.ts";
import { systemError, type SystemError } from "../../base/error.ts";
import type { Codec } from "../../codec/codec.ts";
import type { Address } from "../../transport/address.ts";
import type { Attempt } from "../attempt.ts";
import type { Incoming } from "../incoming.ts";
import type { Peer } from "../../base/peer.ts";
import type { Operation } from "../operation.ts";
import type { ConnectOptions, Dispatcher, ServedOperation, ServeOptions } from "../protocol.ts";

/** How notifications stand in datagrams: the frames of `datagram`, or the number of a signal. */
export interface DatagramForm {
  /** The name of the protocol. */
  readonly name: string;
  writer(address: Address, options: ConnectOptions, env: Env): DatagramWriter;
  /** Throws a typed error when what the dispatcher lists cannot be told apart there. */
  reader(address: Address, dispatcher: Dispatcher, options: ServeOptions, env: Env): DatagramReader;
}

/** Writes what one caller sends. */
export interface DatagramWriter {
  /** Throws, with `executed: "no"`, what cannot be written. */
  write(operation: Operation, input: unknown, attempt: Attempt): Uint8Array;
}

/** Reads what one server receives. */
export interface DatagramReader {
  /** What a datagram says; a text says why it is none of ours. Never throws: anybody may have written it. */
  read(memory: Buffer, from: number, to: number, peer: Peer): Notice | string;
}

/** A notification as it came. */
export interface Notice {
  /** What it asks for, for people: `orders@1/placed`. */
  readonly name: string;
  /** Undefined: nobody serves it here. */
  readonly served: ServedOperation | undefined;
  /** Which of all caller's it is, where they say so; and its number among them. */
  readonly sender: string | undefined;
  readonly number: number;
  readonly incoming: Incoming;
  /** Reads its input; throws when it is not what the codec writes. To be called before `read` is called again. */
  input(): unknown;
}

/** The input as bytes. Throws what the caller is told when it cannot be written. */
export function encoded(codec: Codec, input: unknown): Uint8Array {
  let payload: string | Uint8Array;
  try {
    payload = codec.encode(input);
  } catch (cause) {
    const told = cause instanceof Error ? cause.message : String(cause);
    const reason = `the input cannot be written as ${codec.name}: ${told}`;
    throw systemError("INVALID_ARGUMENT", reason, { executed: "no", cause });
  }
  return typeof payload === "string" ? Buffer.from(payload) : payload;
}

/** Why what needs an answer, or more than one item, is not sent. */
export function notCarried({ name, kind }: Operation, { text }: Address): SystemError {
  const reason = `${name} is a ${kind}, and ${text} has no way back: only notifications go there`;
  return systemError("UNIMPLEMENTED", reason, {
    executed: "no",
    endpoint: text,
    advice: "ask at a unix:, tcp: or tls: address, or declare it as a notification",
  });
}

import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Broker, BrokerCapabilities, BrokerFactory, OpenOptions } from "../broker.ts";
import { AmqpBroker } from "./amqp-broker.ts";
import { parseAmqpAddress } from "./address.ts";
import { Link, type AmqpTls, type LinkTerms } from "./link.ts";

export interface AmqpOptions {
  /** Who we are, where the address does not say. Default `guest`, whom RabbitMQ lets in from its own machine only. */
  readonly user?: { readonly name: string; readonly password: string };
  /** For addresses at `amqps://`. */
  readonly tls?: AmqpTls;
  /**
   * On how many nodes each quorum queue and stream is kept: said to the server when it makes them. With more than one, a receipt
   * says `replicated`. Default: the server's own (3 where there are so many nodes), and receipts say `stored`, as nobody tells us.
   */
  readonly replicas?: number;
  /** A server that says nothing for twice that long is gone, in seconds. Default 10. Raise it where processes stand still for longer. */
  readonly heartbeatSeconds?: number;
  /** Messages written and not confirmed, at most. Default 1,000. */
  readonly windowMessages?: number;
  /** Their bytes, at most. Default 16 MiB. */
  readonly windowBytes?: number;
  /** How long a message waits while the server is short of memory or disk, in milliseconds. Default 60,000; then UNAVAILABLE, `executed: "no"`. */
  readonly blockedMs?: number;
  /**
   * A delivery that is held longer is given back, in milliseconds. Default 900,000, half of the server's own `consumer_timeout`, after
   * which it would close the channel.
   */
  readonly holdMs?: number;
}

const waitMsDefault = 10_000;
const mebibyte = 1_048_576;

/** What RabbitMQ takes unless it is told otherwise: 128 MiB before version 4, 16 MiB since then. */
const bytesMax = 16 * mebibyte;

function capabilitiesOf({ replicas = 1 }: AmqpOptions): BrokerCapabilities {
  return {
    order: "key",
    guarantees: ["at-most-once", "at-least-once"],
    receipts: replicas > 1 ? ["accepted", "stored", "replicated"] : ["accepted", "stored"],
    persistent: true,
    attempts: "durable",
    delay: true,
    priority: true,
    ttl: true,
    keeps: true,
    groups: true,
    replay: false,
    filters: [],
    transactions: false,
    mandatory: true,
    replies: "durable",
    browse: true,
    lag: true,
    compaction: false,
    bytesMax,
  };
}

/**
 * RabbitMQ 3.10 or later, by AMQP 0-9-1: `amqp://user:password@h1:5672,h2:5672/vhost`, `amqps://…`. Queues are quorum queues unless
 * their channel may lose messages or has priorities; order per key needs the plugin `rabbitmq_consistent_hash_exchange`.
 */
export function amqp(options: AmqpOptions = {}): BrokerFactory {
  const capabilities = capabilitiesOf(options);
  return {
    name: "rabbitmq",
    schemes: ["amqp", "amqps"],
    capabilities,
    open: (address, terms, env) => open(address, terms, options, capabilities, env),
  };
}

async function open(
  text: string,
  { name, waitMs = waitMsDefault }: OpenOptions,
  options: AmqpOptions,
  capabilities: BrokerCapabilities,
  env: Env,
): Promise<Broker> {
  checkNumbers(options);
  const address = parseAmqpAddress(text);
  const terms: LinkTerms = {
    address,
    user: address.user ?? options.user?.name ?? "guest",
    password: address.password ?? options.user?.password ?? "guest",
    tls: options.tls ?? {},
    name,
    heartbeatSeconds: options.heartbeatSeconds ?? 10,
    waitMs,
    env,
  };
  const [out, into] = [new Link(terms), new Link(terms)];
  try {
    await Promise.all([out.open(), into.open()]);
  } catch (error) {
    await Promise.all([out.close(), into.close()]);
    throw error;
  }
  return new AmqpBroker({
    address: address.text,
    capabilities,
    out,
    in: into,
    cluster: { replicas: options.replicas },
    waitMs,
    blockedMs: options.blockedMs ?? 60_000,
    windowMessages: options.windowMessages ?? 1_000,
    windowBytes: options.windowBytes ?? 16 * mebibyte,
    holdMs: options.holdMs ?? 900_000,
    env,
  });
}

const numbers = [
  ...(["replicas", "heartbeatSeconds", "windowMessages"] as const),
  ...(["windowBytes", "blockedMs", "holdMs"] as const),
];

function checkNumbers(options: AmqpOptions): void {
  for (const name of numbers) {
    const value = options[name];
    if (value !== undefined && !(Number.isInteger(value) && value > 0))
      throw systemError("INVALID_ARGUMENT", `amqp({ ${name} }) is a whole number above 0`, {
        executed: "no",
      });
  }
}

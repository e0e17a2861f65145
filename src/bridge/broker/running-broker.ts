import type { Env } from "../../base/env.ts";
import { realEnv } from "../../base/real-env.ts";
import type { Broker } from "../../broker/broker.ts";
import type { MemoryStoreOptions } from "../../broker/memory/index.ts";
import { SharedMemory } from "../../broker/memory/shared-memory.ts";
import { MemoryStore } from "../../broker/memory/store.ts";
import type { SharedBroker } from "../../broker/shared-broker.ts";
import { serve, type Service } from "../../call/serve.ts";
import { messageBytesMax } from "./bounds.ts";
import { RemoteBroker } from "./contract.ts";
import { BrokerServer } from "./server.ts";

export interface RunningBrokerOptions extends MemoryStoreOptions {
  /** The largest message in bytes, attributes included. Default, and most: 4 MiB less 64 KiB, what a connection carries. */
  readonly bytesMax?: number;
  /** Time and randomness. Default: the machine's. */
  readonly env?: Env;
}

/** A broker in the memory of this process, for those who reach the process; to be served by a chassis. */
export interface RunningBroker extends AsyncDisposable {
  /** For the `serve` of a chassis. */
  readonly services: readonly Service[];
  /** The same broker for this process itself: for `messages`, without a connection. Each is closed by whoever opened it. */
  open(): Broker;
  /**
   * Ends all consumers and reply boxes of other processes. To be called when the chassis begins to stop, whose drain would
   * wait for them: `app.stopping`.
   */
  close(): Promise<void>;
}

/**
 * A broker of one process for a few others, which name it by `broker+unix:./run/broker.sock`, `broker+tcp://…`. It is not
 * replicated and stores nothing: when its process ends, what waits in it is lost. Who needs more uses RabbitMQ or Kafka.
 */
export function broker(options: RunningBrokerOptions = {}): RunningBroker {
  const { env = realEnv(), ...terms } = options;
  const bytesMax = Math.min(messageBytesMax, options.bytesMax ?? messageBytesMax);
  return runningBroker(new SharedMemory(new MemoryStore({ ...terms, bytesMax }, env)), env);
}

/** Any broker of this process, for those who reach the process. */
export function runningBroker(shared: SharedBroker, env: Env): RunningBroker {
  const server = new BrokerServer(shared, env);
  const close = (): Promise<void> => server.close();
  return {
    services: [{ ...serve(RemoteBroker, server.handlers), own: true }],
    open: () => shared.open(""),
    close,
    [Symbol.asyncDispose]: close,
  };
}

// What a case of a client's suite is given: a server that it does not know, RabbitMQ or ours.

/** One case of somebody else's library, written as its users would. It must pass with RabbitMQ, and with us. */
export interface ClientCase {
  readonly name: string;
  run(stand: Stand): Promise<void>;
}

export interface Stand {
  /** `amqp://user:password@127.0.0.1:PORT`, the virtual host `/`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** A name that no other case has. */
  unique(word: string): string;
  /** Resets all connections; who connects again gets through. */
  cut(): void;
}

/** Resolves with what is told next by that name. An error that is told before is no matter, unlike with `once` of node:events. */
export function told<T = unknown>(emitter: NodeJS.EventEmitter, name: string): Promise<T> {
  return new Promise((resolve) => emitter.once(name, resolve));
}

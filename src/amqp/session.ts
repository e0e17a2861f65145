import type { Act } from "../broker/embedded/access/grants.ts";
import type { Storage } from "../broker/embedded/storage.ts";
import type { VirtualHost } from "../broker/embedded/virtual-host.ts";
import type { Fields, MethodName } from "../wire/amqp091/method.ts";
import type { Bounds } from "./bounds.ts";
import type { Outlet } from "./outlet.ts";

/** What the methods of one channel find around them. */
export interface Session {
  readonly host: VirtualHost;
  readonly storage: Storage;
  readonly bounds: Bounds;
  readonly outlet: Outlet;
  readonly channel: number;
  readonly user: string;
  /** Names the connection: whose exclusive queues are. */
  readonly owner: string;
  /** The queue that was declared last, which an empty name means; empty: there was none. */
  lastQueue: string;
  /** Milliseconds since 1970. */
  wall(): number;
  /** @throws Fault ACCESS_REFUSED when the user may not do that with a queue or an exchange. */
  check(act: Act, kind: "exchange" | "queue", name: string): void;
  /** @throws Fault ACCESS_REFUSED when the exchange is a topic exchange, and the user may not do that with the routing key. */
  checkTopic(act: "write" | "read", exchange: string, routingKey: string): void;
  /** @throws Refusal when the virtual host has as many queues as it may. */
  checkQueueQuota(name: string): void;
  /** Answers a method. */
  reply<Name extends MethodName>(name: Name, fields: Fields<Name>): void;
  /** Answers it when all that was noted until now is safe. Meanwhile nothing more is read. */
  replySafely<Name extends MethodName>(name: Name, fields: Fields<Name>): void;
  /** Reads nothing more of the connection until `work` is done. Whatever it throws closes the channel, or the connection. */
  hold(work: Promise<unknown>): void;
}

/** What the methods of a class do, by their names. */
export type Methods<Name extends MethodName> = {
  readonly [Each in Name]: (session: Session, fields: Fields<Each>) => void;
};

/** The name of a queue or an exchange, without the line ends that some put at its end. */
export function plainName(name: string): string {
  return /[\r\n]/.test(name) ? name.replaceAll(/[\r\n]/g, "") : name;
}

import type { Access } from "../broker/embedded/access/access.ts";
import type { Act } from "../broker/embedded/access/grants.ts";
import { called } from "../broker/embedded/routing/refusals.ts";
import type { VirtualHost } from "../broker/embedded/virtual-host.ts";
import { Fault } from "./fault.ts";

/** What the user of a connection may do in its virtual host. */
export class Rights {
  readonly user: string;
  readonly host: VirtualHost;
  readonly #access: Access;
  readonly #clientId: string | undefined;

  constructor(user: string, host: VirtualHost, access: Access, clientId?: string) {
    this.user = user;
    this.host = host;
    this.#access = access;
    this.#clientId = clientId;
  }

  /** @throws Fault ACCESS_REFUSED when the user may not do that with a queue or an exchange. */
  check(act: Act, kind: "exchange" | "queue", name: string): void {
    const { user, host } = this;
    if (this.#access.may(user, host.name, act, name)) return;
    const thing = called(kind, name, host.name);
    throw new Fault("ACCESS_REFUSED", `${act} access to ${thing} refused for user '${user}'`);
  }

  /** @throws Fault ACCESS_REFUSED when it is a topic exchange, and the user may not do that with the routing key. */
  checkTopic(act: "write" | "read", exchange: string, routingKey: string): void {
    const { user, host } = this;
    if (host.topology.exchange(exchange)?.type !== "topic") return;
    if (this.#access.mayTopic(user, host.name, act, exchange, routingKey, this.#clientId)) return;
    throw new Fault(
      "ACCESS_REFUSED",
      `${act} access to topic '${routingKey}' in ${called("exchange", exchange, host.name)} refused for user '${user}'`,
    );
  }
}

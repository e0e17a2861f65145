import { join } from "node:path";
import { kafka } from "../../scripts/servers/kafka.ts";
import { rabbitmq, rabbitmqAddress } from "../../scripts/servers/rabbitmq.ts";
import { kill, programOf, start, stateOf, type Server } from "../../scripts/servers/server.ts";

const own: Readonly<Record<string, { readonly server: Server; readonly address: string }>> = {
  rabbitmq: { server: rabbitmq, address: rabbitmqAddress },
  kafka: { server: kafka, address: `kafka://127.0.0.1:${kafka.port}` },
};

const folders = join(import.meta.dirname, "../../.cache/servers");

/** A broker that the demo uses; `restart` where it is one of `npm run servers`, which may be killed. */
export interface OwnBroker {
  readonly address: string;
  readonly over: string;
  readonly restart?: () => Promise<void>;
}

/** The broker that a name or an address means; one of `npm run servers` is started if it does not run. Throws an Error for a person. */
export async function ownBroker(named: string): Promise<OwnBroker> {
  const known = Object.hasOwn(own, named) ? own[named] : undefined;
  if (known === undefined) {
    const over = /^[a-z+]+:/.exec(named)?.[0];
    if (over !== undefined) return { address: named, over: over.slice(0, -1) };
    throw new Error(`--broker ${named}: write rabbitmq, kafka, or an address, amqp://host`);
  }
  const { server, address } = known;
  if (programOf(server) === undefined)
    throw new Error(`${named} is not installed: npm run servers -- install ${named}`);
  const folder = join(folders, server.name);
  if (!stateOf(server, folder).running) await start(server, folder);
  const restart = async (): Promise<void> => {
    await kill(folder);
    await start(server, folder);
  };
  return { address, over: named, restart };
}

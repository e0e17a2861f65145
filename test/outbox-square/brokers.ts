import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChassisOptions } from "trunkline";
import { memoryBroker } from "trunkline/broker/memory";
import { missing } from "../../scripts/servers/for-tests.ts";
import { kafka, ownKafka } from "../../scripts/servers/kafka.ts";
import { freeRabbitmqPorts, rabbitmqUser } from "../../scripts/servers/rabbitmq.ts";
import { rabbitmqUnderTest } from "../../scripts/servers/rabbitmq-for-tests.ts";
import { running } from "../../scripts/servers/running.ts";

/** A broker of one kind that runs. */
export interface RunningBroker extends AsyncDisposable {
  /** For one scenario: with nothing in it of those before. */
  fresh(): NonNullable<ChassisOptions["messages"]>;
}

const rabbitmqPorts = await freeRabbitmqPorts();
const rabbitmq = rabbitmqUnderTest("rabbitmq", rabbitmqPorts);

/** Each kind: why it is skipped, and how it is begun. */
export const brokers: Readonly<
  Record<
    string,
    { readonly missing: string | undefined; readonly begin: () => Promise<RunningBroker> }
  >
> = {
  memory: {
    missing: undefined,
    begin: () =>
      Promise.resolve({
        fresh: () => memoryBroker(),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  },
  embedded: {
    missing: undefined,
    begin() {
      const folder = mkdtempSync(join(tmpdir(), "trunkline-square-"));
      let made = 0;
      return Promise.resolve({
        fresh: () => `file:${join(folder, String(++made))}`,
        [Symbol.asyncDispose]() {
          rmSync(folder, { recursive: true, force: true });
          return Promise.resolve();
        },
      });
    },
  },
  rabbitmq: {
    missing: missing(rabbitmq),
    async begin() {
      const server = await running(rabbitmq);
      const { name, password } = rabbitmqUser;
      return {
        fresh: () => `amqp://${name}:${password}@127.0.0.1:${rabbitmqPorts.amqp}`,
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    },
  },
  kafka: {
    missing: missing(kafka),
    async begin() {
      const own = await ownKafka();
      return {
        fresh: () => `kafka://127.0.0.1:${own.node.port}`,
        [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
      };
    },
  },
};

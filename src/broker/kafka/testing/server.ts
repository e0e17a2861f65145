import { freePort } from "../../../../scripts/servers/for-tests.ts";
import { kafkaAt, type KafkaNode, type KafkaTls } from "../../../../scripts/servers/kafka.ts";
import { running, type Running } from "../../../../scripts/servers/running.ts";

/** A Kafka of a test file's own, with the ports of its listeners. */
export interface OwnKafka extends AsyncDisposable {
  readonly server: Running;
  readonly node: KafkaNode;
}

export async function ownKafka(tls?: KafkaTls): Promise<OwnKafka> {
  const [port, controllerPort, saslPort, tlsPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const node = { id: 1, port, controllerPort, saslPort, tlsPort };
  const server = await running(kafkaAt("kafka", node, tls === undefined ? {} : { tls }));
  return { server, node, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

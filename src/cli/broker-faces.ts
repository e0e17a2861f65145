import { management } from "../amqp/management/server.ts";
import { amqpServer, type AmqpServer } from "../amqp/server.ts";
import type { Env } from "../base/env.ts";
import { lastingMax } from "../bridge/broker/bounds.ts";
import { runningBroker } from "../bridge/broker/running-broker.ts";
import type { Engine } from "../bridge/embedded/engine.ts";
import { chassis } from "../chassis/chassis.ts";
import { isLoopbackIp } from "../transport/loopback.ts";
import { UsageError, type Line } from "./command.ts";
import { opennessOf, tlsOf } from "./listening.ts";

/** Where the broker of a folder is served beside the folder itself. */
export interface Faces {
  /** For clients of RabbitMQ. */
  readonly amqp: readonly string[];
  /** For its tools. */
  readonly http: readonly string[];
  /** For Trunkline's own. */
  readonly trunkline: readonly string[];
  readonly tls: ReturnType<typeof tlsOf>;
  readonly openness: ReturnType<typeof opennessOf>;
}

/** What the options of a command ask for. Refuses what would send passwords in clear over a network. */
export function facesOf(line: Line): Faces {
  const listen = line.texts("listen");
  const amqp = listen.filter((each) => /^amqps?:/.test(each));
  const http = listen.filter((each) => each.startsWith("http:"));
  const trunkline = listen.filter((each) => !amqp.includes(each) && !http.includes(each));
  const open = [...amqp, ...http].find((each) => !each.startsWith("amqps:") && !isOwn(each));
  if (open !== undefined && !line.on("insecure"))
    throw new UsageError(
      `${open} can be reached from other hosts, with passwords in clear; write amqps://, or --insecure`,
    );
  return { amqp, http, trunkline, tls: tlsOf(line), openness: opennessOf(line) };
}

/** True when nobody comes there but from this machine. */
function isOwn(address: string): boolean {
  const { hostname } = new URL(address);
  return hostname === "localhost" || isLoopbackIp(hostname.replace(/^\[|\]$/g, ""));
}

interface Serving {
  readonly addresses: readonly string[];
  close(): Promise<void>;
}

/** Serves an engine at all of them, or at none. */
export async function serveAll(faces: Faces, engine: Engine, env: Env): Promise<Serving> {
  const { amqp, http, trunkline, tls, openness } = faces;
  const { node } = engine;
  const servings: Serving[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servings.map((each) => each.close()));
  };
  try {
    let server: AmqpServer | undefined;
    if (amqp.length > 0)
      servings.push((server = await amqpServer({ node, listen: amqp, tls, env })));
    for (const listen of http) {
      const shown = server === undefined ? {} : { server };
      const { insecure } = openness;
      const running = await management({
        node,
        listen,
        ...shown,
        ...(insecure === true ? { insecure } : {}),
      });
      servings.push({ addresses: [running.address], close: () => running.close() });
    }
    if (trunkline.length > 0) servings.push(await serveTrunkline(engine, faces, env));
  } catch (error) {
    await close();
    throw error;
  }
  return { addresses: servings.flatMap(({ addresses }) => addresses), close };
}

/** The same broker for processes that name it by broker+ADDRESS. */
async function serveTrunkline(
  { shared }: Engine,
  { trunkline, openness }: Faces,
  env: Env,
): Promise<Serving> {
  const running = runningBroker(shared, env);
  const app = await chassis({
    name: "broker",
    listen: trunkline,
    ...openness,
    serve: running.services,
    admission: { lastingMax },
    signals: false,
    env,
  });
  const close = async (): Promise<void> => {
    await running.close();
    await app.stop();
  };
  return { addresses: app.addresses, close };
}

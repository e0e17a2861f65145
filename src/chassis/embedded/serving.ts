import { management } from "../../amqp/management/server.ts";
import { amqpServer, type AmqpServer } from "../../amqp/server.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { lastingMax } from "../../bridge/broker/bounds.ts";
import { runningBroker } from "../../bridge/broker/running-broker.ts";
import type { Engine } from "../../bridge/embedded/engine.ts";
import { isLoopbackIp } from "../../transport/loopback.ts";
import { tls as tlsTransport, type TlsOptions } from "../../transport/tls/index.ts";
import { chassis } from "../chassis.ts";

/** Where the broker of a folder is served beside the folder itself, by the process that owns it. */
export interface ServingOptions {
  /**
   * `amqp://127.0.0.1:5672` and `amqps://…` for clients of RabbitMQ, `http://127.0.0.1:15672` and `https://…` for its tools; `tcp://…`, `tls://…` and
   * `unix:PATH` for Trunkline's own, which name it by `broker+tcp://…`.
   */
  readonly listen: string | readonly string[];
  /** For `amqps:`, `https:` and `tls:`. */
  readonly tls?: TlsOptions | undefined;
  /** Lets other hosts come without TLS, with passwords in clear. Default false: that is refused. */
  readonly insecure?: boolean;
}

/** What is to be served, apart by who speaks what. */
interface Faces {
  readonly amqp: readonly string[];
  readonly http: readonly string[];
  readonly trunkline: readonly string[];
}

/** @throws TrunklineError INVALID_ARGUMENT for what would send passwords in clear over a network. */
export function facesOf({ listen, insecure = false }: ServingOptions): Faces {
  const all = [listen].flat();
  const amqp = all.filter((each) => /^amqps?:/.test(each));
  const http = all.filter((each) => /^https?:/.test(each));
  const open = [...amqp, ...http].find((each) => !/^(amqps|https):/.test(each) && !isOwn(each));
  if (open !== undefined && !insecure)
    throw systemError(
      "INVALID_ARGUMENT",
      `${open} can be reached from other hosts, with passwords in clear`,
      {
        executed: "no",
        advice:
          "listen at amqps:// or https://, at 127.0.0.1, or say that it may be insecure (`insecure: true`, --insecure)",
      },
    );
  const trunkline = all.filter((each) => !amqp.includes(each) && !http.includes(each));
  const unknown = trunkline.find((each) => !/^(unix|tcp|tls):/.test(each));
  if (unknown !== undefined)
    throw systemError("INVALID_ARGUMENT", `"${unknown}" is no address that a broker listens at`, {
      executed: "no",
      advice: "write one of amqp, amqps, http, https://HOST:PORT, tcp, tls://HOST:PORT, unix:PATH",
    });
  return { amqp, http, trunkline };
}

/** True when nobody comes there but from this machine. */
function isOwn(address: string): boolean {
  const hostname = URL.parse(address)?.hostname ?? "";
  return hostname === "localhost" || isLoopbackIp(hostname.replace(/^\[|\]$/g, ""));
}

/** What is served, until it is closed. */
export interface Serving {
  readonly addresses: readonly string[];
  close(): Promise<void>;
}

/** Serves an engine at all of them, or at none. */
export async function serveAll(
  options: ServingOptions,
  engine: Engine,
  env: Env,
): Promise<Serving> {
  const { tls, insecure = false } = options;
  const { amqp, http, trunkline } = facesOf(options);
  const { node } = engine;
  const servings: Serving[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servings.map((each) => each.close()));
  };
  try {
    let server: AmqpServer | undefined;
    if (amqp.length > 0)
      servings.push((server = await amqpServer({ node, listen: amqp, tls, insecure, env })));
    for (const listen of http) {
      const shown = server === undefined ? {} : { server };
      const running = await management({ node, listen, insecure, tls, env, ...shown });
      servings.push({ addresses: [running.address], close: () => running.close() });
    }
    if (trunkline.length > 0) servings.push(await serveTrunkline(engine, trunkline, options, env));
  } catch (error) {
    await close();
    throw error;
  }
  return { addresses: servings.flatMap(({ addresses }) => addresses), close };
}

/** The same broker for processes that name it by broker+ADDRESS. */
async function serveTrunkline(
  { shared }: Engine,
  listen: readonly string[],
  { tls, insecure = false }: ServingOptions,
  env: Env,
): Promise<Serving> {
  const running = runningBroker(shared, env);
  const app = await chassis({
    name: "broker",
    listen,
    insecure,
    ...(tls === undefined ? {} : { transports: [tlsTransport(tls)] }),
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

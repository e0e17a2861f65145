import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import { parseAddress } from "../transport/address.ts";
import { isLoopback } from "../transport/loopback.ts";
import { tcp } from "../transport/tcp/index.ts";
import { tls, type TlsOptions } from "../transport/tls/index.ts";
import type { Listener, OpenSocket, Transport } from "../transport/transport.ts";
import { unix } from "../transport/unix/index.ts";

export interface ListeningOptions {
  readonly tls: TlsOptions | undefined;
  readonly connectionsMax: number;
  /** Other hosts may come without TLS. */
  readonly insecure: boolean;
}

/** A way to be reached: by which transport, and at which port when none is said. */
interface Scheme {
  readonly transport: string;
  readonly port: string;
}

/** What is spoken, under which schemes. */
const families: {
  readonly [family in "AMQP" | "HTTP"]: Readonly<Record<string, Scheme>>;
} = {
  AMQP: {
    amqp: { transport: "tcp", port: "5672" },
    amqps: { transport: "tls", port: "5671" },
  },
  HTTP: {
    http: { transport: "tcp", port: "15672" },
    https: { transport: "tls", port: "15671" },
  },
};

/**
 * Listens at an address of AMQP (`amqp://host:port`, `amqps://host:port`) or of HTTP (`http:`, `https:`), or at a Unix socket
 * (`unix:path`). @throws INVALID_ARGUMENT for another.
 */
export async function listenAt(
  text: string,
  family: "AMQP" | "HTTP",
  accept: (opened: OpenSocket) => void,
  { tls: options, connectionsMax, insecure }: ListeningOptions,
  env: Env,
): Promise<Listener> {
  const address = parseAddress(plainAddress(text, family));
  if (address.transport === "tcp" && !insecure && !isLoopback(address))
    throw systemError(
      "INVALID_ARGUMENT",
      `${text} can be reached from other hosts, with passwords in clear`,
      {
        executed: "no",
        advice: "listen over TLS (amqps:, https:), at 127.0.0.1, or say insecure: true",
      },
    );
  const transport: Transport =
    address.transport === "tls" ? tls(options) : address.transport === "tcp" ? tcp() : unix();
  const listener = await transport.sockets!.listen(
    address,
    accept,
    { connectionsMax, alpn: [] },
    env,
  );
  const [scheme] = text.split(":", 1) as [string];
  const { place } = listener.address;
  const shown = scheme in families[family] ? `${scheme}://${place}` : `unix:${place}`;
  return { address: { ...listener.address, text: shown }, close: () => listener.close() };
}

/** The same as an address of the transport below. */
function plainAddress(text: string, family: "AMQP" | "HTTP"): string {
  if (text.startsWith("unix:")) return text;
  const [, scheme = "", host = ""] = /^([a-z]+):\/\/([^/?#@]*)\/?$/.exec(text) ?? [];
  const schemes = families[family];
  const known = Object.hasOwn(schemes, scheme) ? schemes[scheme] : undefined;
  if (known === undefined || host === "") {
    const [plain, secured] = Object.keys(schemes);
    throw systemError("INVALID_ARGUMENT", `"${text}" is no address to listen at for ${family}`, {
      executed: "no",
      advice: `write ${plain}://host:port, ${secured}://host:port or unix:path`,
    });
  }
  const port = /:\d+$/.test(host) ? "" : `:${known.port}`;
  return `${known.transport}://${host}${port}`;
}

import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import { parseAddress } from "../transport/address.ts";
import { tcp } from "../transport/tcp/index.ts";
import { tls, type TlsOptions } from "../transport/tls/index.ts";
import type { Listener, OpenSocket, Transport } from "../transport/transport.ts";
import { unix } from "../transport/unix/index.ts";

export interface ListeningOptions {
  readonly tls: TlsOptions | undefined;
  readonly connectionsMax: number;
}

/** Where each scheme listens: by which transport, and at which port when none is said. */
const schemes: Readonly<Record<string, { readonly transport: string; readonly port: string }>> = {
  amqp: { transport: "tcp", port: "5672" },
  amqps: { transport: "tls", port: "5671" },
};

/** Listens at an address of AMQP: `amqp://host:port`, `amqps://host:port`, `unix:path`. @throws INVALID_ARGUMENT for another. */
export async function listenAt(
  text: string,
  accept: (opened: OpenSocket) => void,
  { tls: options, connectionsMax }: ListeningOptions,
  env: Env,
): Promise<Listener> {
  const address = parseAddress(plainAddress(text));
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
  const shown = scheme in schemes ? `${scheme}://${place}` : `unix:${place}`;
  return { address: { ...listener.address, text: shown }, close: () => listener.close() };
}

/** The same as an address of the transport below. */
function plainAddress(text: string): string {
  if (text.startsWith("unix:")) return text;
  const [, scheme = "", host = ""] = /^(amqps?):\/\/([^/?#]*)\/?$/.exec(text) ?? [];
  const known = schemes[scheme];
  if (known === undefined || host === "")
    throw systemError("INVALID_ARGUMENT", `"${text}" is no address to listen at for AMQP`, {
      executed: "no",
      advice: "write amqp://host:port, amqps://host:port or unix:path",
    });
  const port = /:\d+$/.test(host) ? "" : `:${known.port}`;
  return `${known.transport}://${host}${port}`;
}

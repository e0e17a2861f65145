import type { Channel } from "../channel.ts";
import type { Client } from "../client.ts";
import type { AmqpServer } from "../server.ts";
import type { ConnectionBook, ShownChannel, ShownConnection } from "./connection-book.ts";

/** Who is connected to a server of AMQP, for the management. */
export function clientBook(server: Pick<AmqpServer, "clients">): ConnectionBook {
  return {
    *connections() {
      for (const client of server.clients) {
        const shown = shownClient(client);
        if (shown !== undefined) yield shown;
      }
    },
    close(name, reason) {
      for (const client of server.clients) {
        if (nameOf(client) !== name) continue;
        client.close(reason);
        return true;
      }
      return false;
    },
  };
}

/** Undefined: it has not said yet who it is. */
function shownClient(client: Client): ShownConnection | undefined {
  const { agreed, opened, since, state } = client;
  if (agreed === undefined) return undefined;
  const { user, host, clientProperties, frameBytesMax, channelsMax, heartbeatSeconds } = agreed;
  const { remoteAddress = "", remotePort = 0, localAddress = "", localPort = 0 } = opened.socket;
  return {
    ...{ name: nameOf(client), user: user.name, host: host.name, state, connectedAt: since },
    ...{ peerHost: remoteAddress, peerPort: remotePort, ownHost: localAddress, ownPort: localPort },
    ...{ tls: "encrypted" in opened.socket, clientProperties },
    ...{ frameBytesMax, channelsMax, heartbeatSeconds },
    channels: [...client.channels.values()].map(shownChannel),
  };
}

/** Clients of a Unix socket have no address: their number in the server tells them apart. */
function nameOf({ id, opened }: Client): string {
  const { remoteAddress, remotePort, localAddress, localPort } = opened.socket;
  if (remoteAddress === undefined) return `${opened.peer.address} (${id})`;
  return `${remoteAddress}:${remotePort} -> ${localAddress}:${localPort}`;
}

function shownChannel({ channel, consuming, publishing }: Channel): ShownChannel {
  const { each, all } = consuming.prefetches;
  return {
    ...{ number: channel, consumers: [...consuming.consumers].length, prefetch: each },
    ...{ globalPrefetch: all, unsettled: consuming.unsettled.count },
    ...{
      confirms: publishing.confirms !== undefined,
      unconfirmed: publishing.confirms?.waiting ?? 0,
    },
    transactional: publishing.transaction !== undefined,
  };
}

import { plainTable } from "../../../broker/embedded/definitions/plain-table.ts";
import type { Json } from "../../../broker/embedded/storage.ts";
import { done, Failed, notFound, ok, type Asked, type Reply } from "../asked.ts";
import type { ShownChannel, ShownConnection } from "../connection-book.ts";
import type { Route } from "../routes.ts";

function shown({ place }: Asked, connection: ShownConnection): Json {
  const { name, user, host, peerHost, peerPort, ownHost, ownPort, tls, state } = connection;
  const { connectedAt, frameBytesMax, channelsMax, heartbeatSeconds } = connection;
  return {
    ...{ name, user, vhost: host, node: place.name, type: "network", protocol: "AMQP 0-9-1" },
    ...{ peer_host: peerHost, peer_port: peerPort, host: ownHost, port: ownPort, ssl: tls, state },
    ...{ connected_at: connectedAt, frame_max: frameBytesMax },
    ...{
      channel_max: channelsMax,
      timeout: heartbeatSeconds,
      channels: connection.channels.length,
    },
    client_properties: plainTable(connection.clientProperties),
    user_provided_name: plainTable(connection.clientProperties)["connection_name"] ?? null,
    user_who_performed_action: user,
  };
}

function shownChannel({ place }: Asked, connection: ShownConnection, channel: ShownChannel): Json {
  const { name, user, host, peerHost, peerPort } = connection;
  const { number, consumers, unsettled, unconfirmed, prefetch, globalPrefetch } = channel;
  return {
    ...{ name: `${name} (${number})`, number, user, vhost: host, node: place.name },
    ...{ state: "running", consumer_count: consumers, messages_unacknowledged: unsettled },
    ...{ messages_unconfirmed: unconfirmed, messages_uncommitted: 0, acks_uncommitted: 0 },
    ...{ prefetch_count: prefetch, global_prefetch_count: globalPrefetch },
    ...{ confirm: channel.confirms, transactional: channel.transactional },
    connection_details: { name, peer_host: peerHost, peer_port: peerPort },
  };
}

/** Those that the asker may see: all, for who monitors; its own, for others. */
function seen(asked: Asked): readonly ShownConnection[] {
  const all = [...asked.place.book.connections()];
  return asked.has("monitoring") ? all : all.filter(({ user }) => user === asked.user.name);
}

function one(asked: Asked): ShownConnection {
  const found = seen(asked).find(({ name }) => name === asked.the("name"));
  if (found === undefined) throw notFound();
  return found;
}

/** Whoever sees a connection but is no administrator may close it only when it is his own. */
function close(asked: Asked, connections: readonly ShownConnection[], reason?: string): Reply {
  for (const { name, user } of connections) {
    if (user !== asked.user.name && !asked.has("administrator"))
      throw new Failed(401, "not_authorized", "Not administrator user");
    asked.place.book.close(name, reason ?? "Closed via management plugin");
  }
  return done;
}

function channels(asked: Asked, connections: readonly ShownConnection[]): Reply {
  return ok(
    connections.flatMap((each) =>
      each.channels.map((channel) => shownChannel(asked, each, channel)),
    ),
  );
}

function ofHost(asked: Asked): readonly ShownConnection[] {
  const { name } = asked.host();
  return seen(asked).filter(({ host }) => host === name);
}

function ofUser(asked: Asked): readonly ShownConnection[] {
  return seen(asked).filter(({ user }) => user === asked.the("user"));
}

export const connectionRoutes: readonly Route[] = [
  {
    path: "connections",
    list: true,
    GET: (asked) => ok(seen(asked).map((each) => shown(asked, each))),
  },
  {
    path: "connections/:name",
    GET: (asked) => ok(shown(asked, one(asked))),
    DELETE: (asked) => close(asked, [one(asked)], asked.query.get("reason") ?? undefined),
  },
  {
    path: "connections/:name/channels",
    list: true,
    GET: (asked) => channels(asked, [one(asked)]),
  },
  {
    path: "connections/username/:user",
    list: true,
    GET: (asked) => ok(ofUser(asked).map((each) => shown(asked, each))),
    DELETE: (asked) => close(asked, ofUser(asked)),
  },
  {
    path: "vhosts/:vhost/connections",
    list: true,
    GET: (asked) => ok(ofHost(asked).map((each) => shown(asked, each))),
  },
  { path: "channels", list: true, GET: (asked) => channels(asked, seen(asked)) },
  {
    path: "channels/:name",
    GET(asked) {
      for (const each of seen(asked))
        for (const channel of each.channels)
          if (`${each.name} (${channel.number})` === asked.the("name"))
            return ok(shownChannel(asked, each, channel));
      throw notFound();
    },
  },
  {
    path: "vhosts/:vhost/channels",
    list: true,
    GET: (asked) => channels(asked, ofHost(asked)),
  },
];

import type { Json } from "../../../broker/embedded/storage.ts";
import type { VirtualHost } from "../../../broker/embedded/virtual-host.ts";
import { done, Failed, made, notFound, ok, type Asked, type Reply } from "../asked.ts";
import type { Route } from "../routes.ts";
import { shownPermission, shownTopicPermission } from "./permissions.ts";

const nameBytesMax = 255;

function shownHost({ place }: Asked, host: VirtualHost): Json {
  let [ready, unsettled] = [0, 0];
  for (const queue of host.queues()) {
    ready += queue.ready;
    unsettled += queue.unsettled;
  }
  return {
    ...{ name: host.name, description: "", tags: [], tracing: false },
    ...{ default_queue_type: "classic", metadata: { description: "", tags: [] } },
    ...{ cluster_state: { [place.name]: "running" }, messages: ready + unsettled },
    ...{ messages_ready: ready, messages_unacknowledged: unsettled },
  };
}

/** Who makes one may all in it, as in RabbitMQ. */
function put({ node, user }: Asked, name: string): Reply {
  if (node.hosts.has(name)) return done;
  if (name === "" || Buffer.byteLength(name) > nameBytesMax)
    throw new Failed(400, "bad_request", `a virtual host's name has 1 to ${nameBytesMax} bytes`);
  node.addHost(name);
  const all = ".*";
  node.access.permit({ user: user.name, host: name, configure: all, write: all, read: all });
  return made;
}

function remove({ node, place }: Asked, name: string): Reply {
  if (!node.hosts.has(name)) throw notFound();
  if (name === "/")
    throw new Failed(
      400,
      "bad_request",
      "the virtual host / is there from the beginning, and stays",
    );
  for (const connection of [...place.book.connections()])
    if (connection.host === name) place.book.close(connection.name, `vhost '${name}' is deleted`);
  node.removeHost(name);
  return done;
}

export const hostRoutes: readonly Route[] = [
  {
    path: "vhosts",
    list: true,
    GET: (asked) => ok(asked.hosts().map((host) => shownHost(asked, host))),
  },
  {
    path: "vhosts/:vhost",
    changeRole: "administrator",
    GET: (asked) => ok(shownHost(asked, asked.host())),
    PUT: (asked) => put(asked, asked.the("vhost")),
    DELETE: (asked) => remove(asked, asked.the("vhost")),
  },
  {
    path: "vhosts/:vhost/permissions",
    role: "administrator",
    list: true,
    GET(asked) {
      const { name } = asked.host();
      const all = [...asked.node.access.permissions];
      return ok(all.filter(({ host }) => host === name).map(shownPermission));
    },
  },
  {
    path: "vhosts/:vhost/topic-permissions",
    role: "administrator",
    list: true,
    GET(asked) {
      const { name } = asked.host();
      const all = [...asked.node.access.permissions.topics()];
      return ok(all.filter(({ host }) => host === name).map(shownTopicPermission));
    },
  },
];

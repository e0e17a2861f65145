import type { Permission, TopicPermission } from "../../../broker/embedded/access/grants.ts";
import type { Json } from "../../../broker/embedded/storage.ts";
import { done, Failed, made, notFound, ok, type Asked, type Reply } from "../asked.ts";
import type { Route } from "../routes.ts";

export function shownPermission({ user, host, configure, write, read }: Permission): Json {
  return { user, vhost: host, configure, write, read };
}

export function shownTopicPermission({ user, host, exchange, write, read }: TopicPermission): Json {
  return { user, vhost: host, exchange, write, read };
}

/** The two that a permission is about. @throws Failed 400 when one is not there. */
function both(asked: Asked): { readonly user: string; readonly host: string } {
  const [user, host] = [asked.the("user"), asked.the("vhost")];
  const { hosts, access } = asked.node;
  if (!hosts.has(host)) throw new Failed(400, "bad_request", `vhost ${host} not found`);
  if (access.users.get(user) === undefined)
    throw new Failed(400, "bad_request", `no user '${user}'`);
  return { user, host };
}

function put(asked: Asked): Reply {
  const { user, host } = both(asked);
  const { access } = asked.node;
  const there = access.permissions.get(user, host) !== undefined;
  const [configure, write] = [asked.text("configure"), asked.text("write")];
  access.permit({ user, host, configure, write, read: asked.text("read") });
  return there ? done : made;
}

function putTopic(asked: Asked): Reply {
  const { user, host } = both(asked);
  const there = topicsOf(asked).length > 0;
  const [exchange, write] = [asked.text("exchange"), asked.text("write")];
  asked.node.access.permitTopic({ user, host, exchange, write, read: asked.text("read") });
  return there ? done : made;
}

function topicsOf(asked: Asked): readonly TopicPermission[] {
  const { name } = asked.host();
  return [...asked.node.access.permissions.topics()].filter(
    ({ user, host }) => host === name && user === asked.the("user"),
  );
}

export const permissionRoutes: readonly Route[] = [
  {
    path: "permissions",
    role: "administrator",
    list: true,
    GET: ({ node }) => ok([...node.access.permissions].map(shownPermission)),
  },
  {
    path: "permissions/:vhost/:user",
    role: "administrator",
    GET(asked) {
      const permission = asked.node.access.permissions.get(asked.the("user"), asked.host().name);
      if (permission === undefined) throw notFound();
      return ok(shownPermission(permission));
    },
    PUT: put,
    DELETE(asked) {
      if (!asked.node.access.permissions.remove(asked.the("user"), asked.host().name))
        throw notFound();
      return done;
    },
  },
  {
    path: "topic-permissions",
    role: "administrator",
    list: true,
    GET: ({ node }) => ok([...node.access.permissions.topics()].map(shownTopicPermission)),
  },
  {
    path: "topic-permissions/:vhost/:user",
    role: "administrator",
    list: true,
    GET: (asked) => ok(topicsOf(asked).map(shownTopicPermission)),
    PUT: putTopic,
    DELETE(asked) {
      if (!asked.node.access.permissions.removeTopic(asked.the("user"), asked.host().name))
        throw notFound();
      return done;
    },
  },
  {
    path: "topic-permissions/:vhost/:user/:exchange",
    role: "administrator",
    DELETE(asked) {
      const { permissions } = asked.node.access;
      if (
        !permissions.removeTopic(asked.the("user"), asked.host().name, asked.exchange("exchange"))
      )
        throw notFound();
      return done;
    },
  },
];

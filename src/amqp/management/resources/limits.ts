import { hostLimitsOf } from "../../../broker/embedded/definitions/export.ts";
import type { Json } from "../../../broker/embedded/storage.ts";
import { done, Failed, notFound, ok, type Asked } from "../asked.ts";
import type { Route } from "../routes.ts";

/** RabbitMQ's names of limits, and ours. */
const hostNames: Readonly<Record<string, "connections" | "queues">> = {
  "max-connections": "connections",
  "max-queues": "queues",
};
const userNames: Readonly<Record<string, "connections" | "channels">> = {
  "max-connections": "connections",
  "max-channels": "channels",
};

function known<Name>(names: Readonly<Record<string, Name>>, asked: Asked): Name {
  const name = names[asked.the("name")];
  if (name !== undefined) return name;
  const all = Object.keys(names).join(" and ");
  throw new Failed(400, "bad_request", `'${asked.the("name")}' is no limit: there are ${all}`);
}

function setHost(asked: Asked, value: number): void {
  const { name } = asked.host();
  const { quotas } = asked.node.access;
  quotas.setOfHost(name, { ...quotas.ofHost(name), [known(hostNames, asked)]: value });
}

function setUser(asked: Asked, value: number): void {
  const name = asked.the("user");
  const { quotas, users } = asked.node.access;
  if (users.get(name) === undefined) throw notFound();
  quotas.setOfUser(name, { ...quotas.ofUser(name), [known(userNames, asked)]: value });
}

function ofHosts(asked: Asked): readonly Json[] {
  const { quotas } = asked.node.access;
  return asked
    .hosts()
    .map(({ name }) => ({ vhost: name, value: hostLimitsOf(quotas.ofHost(name)) }))
    .filter(({ value }) => Object.keys(value).length > 0);
}

function ofUsers({ node }: Asked): readonly { readonly user: string; readonly value: Json }[] {
  return [...node.access.quotas.ofUsers()].map(([user, { connections, channels }]) => ({
    user,
    value: {
      ...(connections === undefined ? {} : { "max-connections": connections }),
      ...(channels === undefined ? {} : { "max-channels": channels }),
    },
  }));
}

export const limitRoutes: readonly Route[] = [
  { path: "vhost-limits", list: true, GET: (asked) => ok(ofHosts(asked)) },
  { path: "vhost-limits/:vhost", list: true, GET: (asked) => ok(ofHosts(asked)) },
  {
    path: "vhost-limits/:vhost/:name",
    role: "administrator",
    PUT(asked) {
      setHost(asked, asked.count("value"));
      return done;
    },
    DELETE(asked) {
      setHost(asked, -1);
      return done;
    },
  },
  {
    path: "user-limits",
    role: "administrator",
    list: true,
    GET: (asked) => ok(ofUsers(asked)),
  },
  {
    path: "user-limits/:user",
    role: "administrator",
    list: true,
    GET: (asked) => ok(ofUsers(asked).filter(({ user }) => user === asked.the("user"))),
  },
  {
    path: "user-limits/:user/:name",
    role: "administrator",
    PUT(asked) {
      setUser(asked, asked.count("value"));
      return done;
    },
    DELETE(asked) {
      setUser(asked, -1);
      return done;
    },
  },
];

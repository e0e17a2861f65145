import { hostLimitsOf, policyItem } from "../../../broker/embedded/definitions/export.ts";
import type { AppliesTo, Policy } from "../../../broker/embedded/policy/policies.ts";
import type { Json } from "../../../broker/embedded/storage.ts";
import { done, made, notFound, ok, type Asked, type Reply } from "../asked.ts";
import type { Route } from "../routes.ts";

function shown(policy: Policy): Json {
  return policyItem(policy) as unknown as Json;
}

function put(asked: Asked, operator: boolean): Reply {
  const { policies } = asked.node;
  const { name: host } = asked.host();
  const name = asked.the("name");
  const there = policies.get(host, name, operator) !== undefined;
  policies.set({
    ...{ host, name, operator, pattern: asked.text("pattern") },
    applyTo: asked.text("apply-to", "all") as AppliesTo,
    priority: asked.count("priority", 0),
    definition: asked.table("definition"),
  });
  return there ? done : made;
}

function list(asked: Asked, operator: boolean): Reply {
  const { policies } = asked.node;
  return ok(asked.hosts().flatMap(({ name }) => policies.all(operator, name).map(shown)));
}

function one(asked: Asked, operator: boolean): Reply {
  const policy = asked.node.policies.get(asked.host().name, asked.the("name"), operator);
  if (policy === undefined) throw notFound();
  return ok(shown(policy));
}

function remove(asked: Asked, operator: boolean): Reply {
  if (asked.node.policies.remove(asked.host().name, asked.the("name"), operator)) return done;
  throw notFound();
}

function routesOf(path: string, operator: boolean): readonly Route[] {
  return [
    { path, list: true, GET: (asked) => list(asked, operator) },
    { path: `${path}/:vhost`, list: true, GET: (asked) => list(asked, operator) },
    {
      path: `${path}/:vhost/:name`,
      changeRole: operator ? "administrator" : "policymaker",
      GET: (asked) => one(asked, operator),
      PUT: (asked) => put(asked, operator),
      DELETE: (asked) => remove(asked, operator),
    },
  ];
}

/** The parameters of RabbitMQ's plugins have no meaning here; limits of virtual hosts are shown as what they are there. */
function parameters(asked: Asked): readonly Json[] {
  const { quotas } = asked.node.access;
  return asked.hosts().flatMap(({ name }) => {
    const value = hostLimitsOf(quotas.ofHost(name));
    if (Object.keys(value).length === 0) return [];
    return [{ value, vhost: name, component: "vhost-limits", name: "limits" }];
  });
}

export const policyRoutes: readonly Route[] = [
  ...routesOf("policies", false),
  ...routesOf("operator-policies", true),
  {
    path: "parameters",
    role: "policymaker",
    list: true,
    GET: (asked) => ok(parameters(asked)),
  },
  { path: "parameters/:component", role: "policymaker", list: true, GET: () => ok([]) },
  { path: "parameters/:component/:vhost", role: "policymaker", list: true, GET: () => ok([]) },
  { path: "global-parameters", role: "policymaker", list: true, GET: () => ok([]) },
];

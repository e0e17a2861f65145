import { createHash } from "node:crypto";
import { bindingItem } from "../../../broker/embedded/definitions/export.ts";
import type { Json } from "../../../broker/embedded/storage.ts";
import type { BindingTerms } from "../../../broker/embedded/terms.ts";
import type { VirtualHost } from "../../../broker/embedded/virtual-host.ts";
import { done, notFound, ok, type Asked, type Reply } from "../asked.ts";
import type { Route } from "../routes.ts";

function shown(host: VirtualHost, terms: BindingTerms): Json {
  return { ...bindingItem(host.name, terms), properties_key: keyOf(host, terms) };
}

/** How a binding is named in a path: by its routing key, and its arguments where it has any. */
function keyOf(host: VirtualHost, terms: BindingTerms): string {
  const { routingKey, arguments: table } = bound(host, terms);
  const key = encodeURIComponent(routingKey).replaceAll("~", "%7E").replaceAll("%20", "+");
  if (Object.keys(table).length === 0) return routingKey === "" ? "~" : key;
  const text = JSON.stringify(table);
  return `${key}~${createHash("sha256").update(text).digest("base64url").slice(0, 22)}`;
}

function bound(
  host: VirtualHost,
  terms: BindingTerms,
): { readonly routingKey: string; readonly arguments: { readonly [name: string]: Json } } {
  const { routing_key: routingKey, arguments: table } = bindingItem(host.name, terms);
  return { routingKey, arguments: table };
}

/** With those of the default exchange, which has one for each queue. */
function all(host: VirtualHost): readonly BindingTerms[] {
  return [...[...host.queues()].map(({ name }) => byName(name)), ...host.topology.bindings()];
}

function byName(name: string): BindingTerms {
  return { source: "", to: "queue", destination: name, routingKey: name, arguments: {} };
}

function list(asked: Asked): Reply {
  return ok(asked.hosts().flatMap((host) => all(host).map((each) => shown(host, each))));
}

function ofQueue(asked: Asked): Reply {
  const host = asked.host();
  const { name } = host.known(asked.the("name"));
  const bindings = [byName(name), ...host.topology.bindingsTo("queue", name)];
  return ok(bindings.map((each) => shown(host, each)));
}

function ofExchange(asked: Asked, end: "source" | "destination"): Reply {
  const host = asked.host();
  const name = asked.exchange();
  if (host.topology.exchange(name) === undefined) throw notFound();
  const source = name === "" ? all(host).filter((each) => each.source === "") : undefined;
  const bindings =
    end === "source"
      ? (source ?? host.topology.bindingsFrom(name))
      : host.topology.bindingsTo("exchange", name);
  return ok(bindings.map((each) => shown(host, each)));
}

/** What is bound of the two ends in the path. */
function between(asked: Asked): readonly BindingTerms[] {
  const host = asked.host();
  const [source, to] = [asked.exchange("source"), kindOf(asked)];
  const destination = asked.the("destination");
  const there = to === "queue" ? host.queue(destination) : host.topology.exchange(destination);
  if (there === undefined || host.topology.exchange(source) === undefined) throw notFound();
  const candidates = to === "queue" ? [byName(destination)] : [];
  return [...candidates, ...host.topology.bindingsTo(to, destination)].filter(
    (each) => each.source === source,
  );
}

function kindOf(asked: Asked): "queue" | "exchange" {
  const kind = asked.the("kind");
  if (kind !== "q" && kind !== "e") throw notFound();
  return kind === "q" ? "queue" : "exchange";
}

function one(asked: Asked): BindingTerms {
  const host = asked.host();
  // The path has been decoded once; the key has escapes of its own.
  const key = asked.the("properties");
  const found = between(asked).find((each) => {
    const own = keyOf(host, each);
    return own === key || decodeURIComponent(own) === key;
  });
  if (found === undefined) throw notFound();
  return found;
}

function post(asked: Asked): Reply {
  const host = asked.host();
  const [source, to] = [asked.exchange("source"), kindOf(asked)];
  const destination = asked.the("destination");
  asked.check("write", to, destination, host);
  asked.check("read", "exchange", source, host);
  const binding: BindingTerms = {
    ...{ source, to, destination, routingKey: asked.text("routing_key", "") },
    arguments: asked.table("arguments"),
  };
  host.bind(binding);
  const path = [host.name, "e", source, asked.the("kind"), destination].map(encodeURIComponent);
  return { status: 201, location: `/api/bindings/${path.join("/")}/${keyOf(host, binding)}` };
}

function remove(asked: Asked): Reply {
  const host = asked.host();
  const binding = one(asked);
  asked.check("write", binding.to, binding.destination, host);
  asked.check("read", "exchange", binding.source, host);
  host.unbind(binding);
  return done;
}

export const bindingRoutes: readonly Route[] = [
  { path: "bindings", list: true, GET: list },
  { path: "bindings/:vhost", list: true, GET: list },
  { path: "queues/:vhost/:name/bindings", list: true, GET: ofQueue },
  {
    path: "exchanges/:vhost/:name/bindings/source",
    list: true,
    GET: (asked) => ofExchange(asked, "source"),
  },
  {
    path: "exchanges/:vhost/:name/bindings/destination",
    list: true,
    GET: (asked) => ofExchange(asked, "destination"),
  },
  {
    path: "bindings/:vhost/e/:source/:kind/:destination",
    list: true,
    GET: (asked) => ok(between(asked).map((each) => shown(asked.host(), each))),
    POST: post,
  },
  {
    path: "bindings/:vhost/e/:source/:kind/:destination/:properties",
    GET: (asked) => ok(shown(asked.host(), one(asked))),
    DELETE: remove,
  },
];

import { exchangeItem } from "../../../broker/embedded/definitions/export.ts";
import type { Json } from "../../../broker/embedded/storage.ts";
import type { ExchangeTerms } from "../../../broker/embedded/terms.ts";
import type { VirtualHost } from "../../../broker/embedded/virtual-host.ts";
import { done, made, notFound, ok, type Asked, type Reply } from "../asked.ts";
import type { Route } from "../routes.ts";

function shown({ node }: Asked, host: VirtualHost, terms: ExchangeTerms): Json {
  const { policy } = node.policies.exchange(host.name, terms);
  return {
    ...exchangeItem(host.name, terms),
    ...(policy === undefined ? {} : { policy }),
    user_who_performed_action: terms.name.startsWith("amq.") ? "rmq-internal" : "",
  };
}

function list(asked: Asked): Reply {
  return ok(
    asked
      .hosts()
      .flatMap((host) => [...host.topology.exchanges()].map((each) => shown(asked, host, each))),
  );
}

function put(asked: Asked): Reply {
  const host = asked.host();
  const name = asked.exchange();
  asked.check("configure", "exchange", name, host);
  const there = host.topology.exchange(name) !== undefined;
  const given = asked.table("arguments");
  const alternate = given["alternate-exchange"];
  if (typeof alternate === "string") {
    asked.check("read", "exchange", name, host);
    asked.check("write", "exchange", alternate, host);
  }
  host.declareExchange({
    ...{ name, type: asked.text("type", "direct"), durable: asked.flag("durable", false) },
    ...{ autoDelete: asked.flag("auto_delete", false), internal: asked.flag("internal", false) },
    arguments: given,
  });
  return there ? done : made;
}

function remove(asked: Asked): Reply {
  const host = asked.host();
  const name = asked.exchange();
  asked.check("configure", "exchange", name, host);
  if (host.topology.exchange(name) === undefined) throw notFound();
  host.deleteExchange(name, asked.query.get("if-unused") === "true");
  return done;
}

export const exchangeRoutes: readonly Route[] = [
  { path: "exchanges", list: true, GET: list },
  { path: "exchanges/:vhost", list: true, GET: list },
  {
    path: "exchanges/:vhost/:name",
    GET(asked) {
      const host = asked.host();
      const terms = host.topology.exchange(asked.exchange());
      if (terms === undefined) throw notFound();
      return ok(shown(asked, host, terms));
    },
    PUT: put,
    DELETE: remove,
  },
];

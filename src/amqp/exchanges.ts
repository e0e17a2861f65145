import { called, onDefault } from "../broker/embedded/routing/refusals.ts";
import { Refusal } from "../broker/embedded/refusal.ts";
import type { Fields } from "../wire/amqp091/method.ts";
import { plainName, type Methods, type Session } from "./session.ts";

/** What is asked of exchanges. */
export const exchangeMethods: Methods<
  "exchange.declare" | "exchange.delete" | "exchange.bind" | "exchange.unbind"
> = {
  "exchange.declare": declare,
  "exchange.delete"(session, { exchange, ifUnused, nowait }) {
    const name = plainName(exchange);
    if (name === "") throw onDefault();
    session.check("configure", "exchange", name);
    const durable = session.host.topology.exchange(name)?.durable === true;
    session.host.deleteExchange(name, ifUnused);
    if (nowait) return;
    if (durable) session.replySafely("exchange.delete-ok", {});
    else session.reply("exchange.delete-ok", {});
  },
  "exchange.bind"(session, fields) {
    const binding = bindingOf(session, fields);
    session.host.bind(binding);
    if (!fields.nowait) session.replySafely("exchange.bind-ok", {});
  },
  "exchange.unbind"(session, fields) {
    const binding = bindingOf(session, fields);
    session.host.unbind(binding);
    if (!fields.nowait) session.replySafely("exchange.unbind-ok", {});
  },
};

function declare(session: Session, fields: Fields<"exchange.declare">): void {
  const { type, passive, durable, autoDelete, internal, nowait, arguments: table } = fields;
  const name = plainName(fields.exchange);
  if (name === "") throw onDefault();
  const { host } = session;
  if (passive) {
    if (host.topology.exchange(name) === undefined)
      throw new Refusal("not-found", `no ${called("exchange", name, host.name)}`);
    if (!nowait) session.reply("exchange.declare-ok", {});
    return;
  }
  session.check("configure", "exchange", name);
  const alternate = table["alternate-exchange"];
  if (typeof alternate === "string") {
    session.check("read", "exchange", name);
    session.check("write", "exchange", alternate);
  }
  const there = host.topology.exchange(name) !== undefined;
  host.declareExchange({ name, type, durable, autoDelete, internal, arguments: table });
  if (nowait) return;
  if (durable && !there) session.replySafely("exchange.declare-ok", {});
  else session.reply("exchange.declare-ok", {});
}

function bindingOf(
  session: Session,
  fields: Fields<"exchange.bind"> | Fields<"exchange.unbind">,
): Parameters<Session["host"]["bind"]>[0] {
  const { routingKey, arguments: table } = fields;
  const [source, destination] = [plainName(fields.source), plainName(fields.destination)];
  session.check("write", "exchange", destination);
  session.check("read", "exchange", source);
  session.checkTopic("read", source, routingKey);
  return { source, to: "exchange", destination, routingKey, arguments: table };
}

import type { Channel as AmqpConnectionChannel, Connection } from "rabbitmq-client";
import type { Drift } from "../broker.ts";
import { codeOf, translated } from "./foreign-error.ts";
import type { Arguments, BindingPlan, ExchangePlan, Plan, QueuePlan } from "./topology.ts";

/**
 * Makes what is missing of a plan, in its order, and gives how what is there differs. The server answers a declaration that
 * differs by closing the channel, so there may be many of them one after the other.
 */
export async function declared(
  connection: Connection,
  plan: Plan,
  channelName: string,
  endpoint: string,
): Promise<Drift[]> {
  const drifts: Drift[] = [];
  let channel: AmqpConnectionChannel | undefined;
  const attempt = async (
    act: (on: AmqpConnectionChannel) => Promise<unknown>,
    what: string,
  ): Promise<void> => {
    if (channel?.active !== true) {
      channel = await connection.acquire({ emitErrorsFromChannel: true });
      channel.on("error", ignored);
    }
    try {
      await act(channel);
    } catch (error) {
      const found = driftOf(error, what, channelName);
      if (found === undefined) throw error;
      drifts.push(found);
    }
  };
  try {
    for (const each of plan.exchanges)
      await attempt((on) => exchange(on, each), `exchange ${each.name}`);
    for (const each of plan.queues) await attempt((on) => queue(on, each), `queue ${each.name}`);
    for (const each of plan.bindings)
      await attempt((on) => bind(on, each), `binding of ${each.from}`);
    return drifts;
  } catch (error) {
    throw translated(error, endpoint);
  } finally {
    await channel?.close();
  }
}

/** What a channel says of itself is said by the call that failed too. */
export const ignored = (): void => {};

function exchange(on: AmqpConnectionChannel, each: ExchangePlan): Promise<void> {
  return on.exchangeDeclare({
    exchange: each.name,
    type: each.type,
    durable: true,
    arguments: each.arguments as Record<string, unknown>,
  });
}

function queue(on: AmqpConnectionChannel, each: QueuePlan): Promise<unknown> {
  return on.queueDeclare({
    queue: each.name,
    durable: each.exclusive !== true,
    exclusive: each.exclusive === true,
    arguments: each.arguments as Record<string, unknown>,
  });
}

function bind(
  on: AmqpConnectionChannel,
  { from, to, routingKey, arguments: given }: BindingPlan,
): Promise<void> {
  const terms = { routingKey, arguments: given as Arguments as Record<string, unknown> };
  return "queue" in to
    ? on.queueBind({ queue: to.queue, exchange: from, ...terms })
    : on.exchangeBind({ destination: to.exchange, source: from, ...terms });
}

/** `inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received '60000' but current is '30000'`, with some variations. */
function driftOf(error: unknown, what: string, channel: string): Drift | undefined {
  if (codeOf(error) !== "PRECONDITION_FAILED") return undefined;
  const text = (error as Error).message;
  const match =
    /inequivalent arg '([^']*)' .*: received (.*?) but current is (.*?)$/.exec(text) ?? undefined;
  if (match === undefined) return undefined;
  const [, argument = "", wanted = "", found = ""] = match;
  return { channel, what: `${what}: ${argument}`, declared: told(wanted), found: told(found) };
}

/** `the value '60000' of type 'signedint'` is 60000. */
function told(text: string): string {
  return /'([^']*)'/.exec(text)?.[1] ?? text;
}

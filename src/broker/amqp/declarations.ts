import type { Channel as AmqpConnectionChannel, Connection } from "rabbitmq-client";
import type { Drift } from "../broker.ts";
import { codeOf, translated } from "./foreign-error.ts";
import type { BindingPlan, ExchangePlan, Plan, QueuePlan } from "./topology.ts";

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

/** How many shards a target has: as many as are asked for, or as are there already. */
export async function shardsAt(
  connection: Connection,
  members: QueuePlan,
  shards: number,
  channelName: string,
  endpoint: string,
): Promise<{ readonly shards: number; readonly drift: Drift | undefined }> {
  const plan = { exchanges: [], queues: [members], bindings: [] };
  const [drift] = await declared(connection, plan, channelName, endpoint);
  if (drift === undefined) return { shards, drift };
  const what = drift.what.replace("x-max-length", "shards");
  return { shards: Number(drift.found), drift: { ...drift, what } };
}

/** Whether an exchange is there. */
export async function isThere(connection: Connection, exchangeName: string): Promise<boolean> {
  const on = await connection.acquire({ emitErrorsFromChannel: true });
  on.on("error", ignored);
  try {
    await on.exchangeDeclare({ exchange: exchangeName, passive: true });
    return true;
  } catch (error) {
    if (codeOf(error) === "NOT_FOUND") return false;
    throw error;
  } finally {
    await on.close();
  }
}

/** What a channel says of itself is said by the call that failed too. */
export const ignored = (): void => {};

function exchange(on: AmqpConnectionChannel, each: ExchangePlan): Promise<void> {
  return on.exchangeDeclare({
    exchange: each.name,
    type: each.type,
    durable: true,
    arguments: each.arguments,
  });
}

function queue(on: AmqpConnectionChannel, each: QueuePlan): Promise<unknown> {
  return on.queueDeclare({
    queue: each.name,
    durable: each.exclusive !== true,
    exclusive: each.exclusive === true,
    arguments: each.arguments,
  });
}

function bind(
  on: AmqpConnectionChannel,
  { from, to, routingKey, arguments: given }: BindingPlan,
): Promise<void> {
  const terms = { routingKey, arguments: given };
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

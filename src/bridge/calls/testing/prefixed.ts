import type { Broker } from "../../../broker/broker.ts";
import type { Channel } from "../../../broker/channel.ts";

/** A broker as if it were somebody's own: all of its channels have names that begin with `prefix`. */
export function prefixed(broker: Broker, prefix: string): Broker {
  const named = (channel: Channel): Channel => ({ ...channel, name: `${prefix}.${channel.name}` });
  const own: Partial<Broker> = {
    declare: (channels) => broker.declare(channels.map(named)),
    publish: (messages) =>
      broker.publish(messages.map((each) => ({ ...each, channel: named(each.channel) }))),
    consume: (subscription, deliver) =>
      broker.consume({ ...subscription, channel: named(subscription.channel) }, deliver),
  };
  return new Proxy(broker, {
    get: (target, name) => {
      if (Object.hasOwn(own, name)) return own[name as keyof Broker];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

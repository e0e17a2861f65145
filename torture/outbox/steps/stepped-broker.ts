import type { Broker, Delivery, Outgoing } from "../../../src/broker/broker.ts";
import { around } from "./around.ts";
import type { Stepper } from "./stepper.ts";

/** A broker that tells at which step a message is. */
export function steppedBroker(broker: Broker, stepper: Stepper): Broker {
  const publish = async (
    inner: () => ReturnType<Broker["publish"]>,
  ): ReturnType<Broker["publish"]> => {
    stepper.at("before", "publish");
    const confirming = inner();
    // It is on its way, or there already, and nobody knows.
    setImmediate(() => stepper.at("after", "publish"));
    const outcomes = await confirming;
    stepper.at("before", "confirm");
    setImmediate(() => stepper.at("after", "confirm"));
    return outcomes;
  };
  const delivered = (delivery: Delivery): Delivery => {
    stepper.at("before", "delivery");
    setImmediate(() => stepper.at("after", "delivery"));
    return around(delivery, (name, _args, inner) =>
      name === "ack" ? stepper.around("ack", inner as () => Promise<void>) : inner(),
    );
  };
  return around(broker, (name, args, inner) => {
    if (name === "publish" && (args[0] as readonly Outgoing[]).length > 0)
      return publish(inner as () => ReturnType<Broker["publish"]>);
    if (name !== "consume") return inner();
    const [subscription, deliver] = args as Parameters<Broker["consume"]>;
    return broker.consume(subscription, (batch) => deliver(batch.map(delivered)));
  });
}

import type { BrokerFilter } from "../../broker.ts";
import type { Message } from "../message.ts";
import { nowhere, receivedOf } from "./event-message.ts";

/** Whether a message is equal to all that a filter names. */
export function filterOf(filter: BrokerFilter): (message: Message) => boolean {
  const { type, subject } = filter;
  const attributes = Object.entries(filter.attributes ?? {});
  return (message) => {
    const { envelope } = receivedOf(message, nowhere, 0);
    return (
      (type === undefined || envelope.type === type) &&
      (subject === undefined || envelope.subject === subject) &&
      attributes.every(([name, value]) => envelope.attributes[name] === value)
    );
  };
}

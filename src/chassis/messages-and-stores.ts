import type { Env } from "../base/env.ts";
import type { Interceptor } from "../base/handler.ts";
import type { Service } from "../call/serve.ts";
import type { Binding } from "../messaging/channels.ts";
import type { Subscriber } from "../messaging/on.ts";
import type { InboxOptions } from "../messaging/inbox/retention.ts";
import type { RelayOptions } from "../messaging/outbox/relay-terms.ts";
import type { Store } from "../store/store.ts";
import type { BrokerChoice } from "./broker-at.ts";
import { ProcessMessages } from "./messages.ts";
import { ProcessStores, storesOf } from "./stores.ts";

/** What is given to a process, as far as it is about messages and databases; as `ChassisOptions` describes it. */
interface Given {
  readonly name: string;
  readonly messages?: BrokerChoice;
  readonly bindings?: readonly Binding[];
  readonly store?: Store | readonly Store[];
  readonly relay?: RelayOptions | false;
  readonly inbox?: InboxOptions;
  readonly aroundHandler?: readonly Interceptor[];
}

/** What it serves and consumes. */
interface Sorted {
  readonly services: readonly Service[];
  readonly subscribers: readonly Subscriber[];
}

/** What a process does with messages and what with databases know of each other: handlers publish into outboxes, relays by the broker. */
export function messagesAndStores(
  options: Given,
  { services, subscribers }: Sorted,
  checkSent: boolean,
  env: Env,
): { readonly messages: ProcessMessages; readonly stores: ProcessStores } {
  const { name, bindings = [], relay = {}, inbox, aroundHandler: interceptors = [] } = options;
  const stores = new ProcessStores(
    {
      name,
      stores: storesOf(options.store, services, subscribers),
      relay,
      inbox,
      bindings,
      checkSent,
      broker:
        options.messages === undefined
          ? undefined
          : async () => (await messages.messaging.sender()).broker,
    },
    env,
  );
  const { outboxes } = stores;
  const terms = { name, messages: options.messages, bindings, services, subscribers, inbox };
  const messages = new ProcessMessages({ ...terms, interceptors, checkSent, outboxes }, env);
  return { messages, stores };
}

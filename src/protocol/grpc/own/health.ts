import { isTrunklineError } from "../../../base/error.ts";
import type { Incoming } from "../../incoming.ts";
import type { Dispatcher, ServedOperation, Sink } from "../../protocol.ts";
import type { Answering, Method } from "../methods.ts";
import type { ErrorTypes } from "../wire/failure.ts";
import { healthFile, registryOf } from "./descriptors.ts";
import { ownMethod } from "./own-method.ts";

/** What `ServingStatus` calls them. */
const [serving, notServing, serviceUnknown] = [1, 2, 3];

interface Question {
  readonly service: string;
}

/** The only error that the contract `trunkline-health` declares. */
const notFound = "NOT_FOUND";

const errors: ErrorTypes = new Map([
  [
    notFound,
    {
      code: notFound,
      type: undefined,
      codec: { id: 0, name: "nothing", encode: () => "", decode: () => undefined },
    },
  ],
]);

/**
 * The service grpc.health.v1.Health, answered by the contract `trunkline-health` of a chassis; none where that is not
 * served. `contractOf` turns the name of a service into `orders@1`.
 */
export function healthMethods(
  dispatcher: Dispatcher,
  contractOf: (service: string) => string | undefined,
): Method[] {
  const check = dispatcher.find("trunkline-health", 1, "check");
  const watch = dispatcher.find("trunkline-health", 1, "watch");
  if (check === undefined || watch === undefined) return [];
  const registry = registryOf(healthFile);
  const asked = ({ service }: Question): object =>
    service === "" ? {} : { contract: contractOf(service) ?? service };
  const method = (name: string, kind: "call" | "stream", served: Answering): Method =>
    ownMethod(registry, `/grpc.health.v1.Health/${name}`, kind, served, errors);
  return [
    method("Check", "call", {
      ...answeringAs(check),
      handle: async (input, incoming) =>
        statusOf(await check.handle(asked(input as Question), incoming)),
    }),
    method("Watch", "stream", {
      ...answeringAs(watch),
      stream: (input, incoming, sink) => watching(watch, asked(input as Question), incoming, sink),
    }),
  ];
}

function statusOf(report: unknown): { status: number } {
  return { status: (report as { serving: boolean }).serving ? serving : notServing };
}

/** Of a service that is not here the standard wants to be told so, and that the stream lasts. */
async function watching(
  watch: ServedOperation,
  question: object,
  incoming: Incoming,
  sink: Sink,
): Promise<void> {
  const statuses: Sink = {
    get closed() {
      return sink.closed;
    },
    get ready() {
      return sink.ready;
    },
    whenReady: () => sink.whenReady(),
    put: (report) => sink.put(statusOf(report)),
  };
  try {
    await watch.stream(question, incoming, statuses);
  } catch (error) {
    if (!isTrunklineError(error) || error.code !== notFound) throw error;
    sink.put({ status: serviceUnknown });
    await new Promise<void>((resolve) => incoming.bind({ cancel: () => resolve() }));
  }
}

/** All of it; what a method does not have is never asked. */
export function answeringAs(served: ServedOperation): Answering {
  return {
    handle: (input, incoming) => served.handle(input, incoming),
    stream: (input, incoming, sink) => served.stream(input, incoming, sink),
    upload: (head, items, incoming) => served.upload(head, items, incoming),
    duplex: (head, items, incoming, sink) => served.duplex(head, items, incoming, sink),
    incident: (exception) => served.incident(exception),
    refused: (code) => served.refused?.(code),
  };
}

import type { Instance, InstanceState } from "../discovery.ts";

/** An EndpointSlice of `discovery.k8s.io/v1`: what we read of it. */
export interface EndpointSlice {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>> | null;
  };
  readonly endpoints?: readonly Endpoint[] | null;
  readonly ports?: readonly Port[] | null;
}

interface Endpoint {
  readonly addresses: readonly string[];
  readonly conditions?: {
    readonly ready?: boolean | null;
    readonly serving?: boolean | null;
    readonly terminating?: boolean | null;
  };
  readonly nodeName?: string | null;
  readonly zone?: string | null;
  readonly targetRef?: { readonly name?: string; readonly uid?: string } | null;
}

interface Port {
  readonly name?: string | null;
  readonly port?: number | null;
  readonly protocol?: string | null;
  readonly appProtocol?: string | null;
}

/** What addresses begin with. */
const schemes: ReadonlySet<string> = new Set(["tcp", "tls", "http", "https", "grpc", "grpcs"]);

/** What an `appProtocol` means, where it is not a scheme itself. */
const appProtocols: Readonly<Record<string, string>> = { "kubernetes.io/h2c": "http" };

/** A label of the Service, which Kubernetes copies to its slices. */
const laneLabel = "trunkline.dev/lane";

/** The more useful one counts when an endpoint is in two slices at once, as while it is moved. */
const usefulness: Readonly<Record<InstanceState, number>> = { ready: 2, draining: 1, starting: 0 };

/** The instances of a service in all its slices, each once: a pod with addresses of both families is in one slice for each. */
export function instancesIn(
  slices: Iterable<EndpointSlice>,
  service: string,
  scheme: string,
): readonly Instance[] {
  const found = new Map<string, Instance>();
  for (const slice of slices) {
    for (const endpoint of slice.endpoints ?? []) {
      const instance = instanceOf(endpoint, slice, service, scheme);
      if (instance === undefined) continue;
      const before = found.get(instance.id);
      found.set(instance.id, before === undefined ? instance : merged(before, instance));
    }
  }
  return [...found.values()];
}

function instanceOf(
  { addresses: [host], conditions, nodeName, zone, targetRef }: Endpoint,
  { metadata, ports }: EndpointSlice,
  service: string,
  scheme: string,
): Instance | undefined {
  const state = stateOf(conditions);
  if (host === undefined || state === undefined) return undefined;
  const lane = metadata.labels?.[laneLabel];
  const meta = { node: nodeName, pod: targetRef?.name };
  const told = Object.entries(meta).filter(
    (each): each is [string, string] => typeof each[1] === "string",
  );
  return {
    id: targetRef?.name ?? host,
    bootId: targetRef?.uid ?? host,
    contracts: [service],
    addresses: (ports ?? []).flatMap((port) => addressOf(host, port, scheme) ?? []),
    state,
    ...(lane === undefined ? {} : { lane }),
    ...(typeof zone === "string" ? { locality: { zone } } : {}),
    ...(told.length === 0 ? {} : { meta: Object.fromEntries(told) }),
  };
}

/**
 * KEP-1672: what terminates and still serves finishes what it has; what terminates and does not is as good as gone. A condition that
 * is not known counts as good, as Kubernetes asks for.
 */
function stateOf(conditions: Endpoint["conditions"] = {}): InstanceState | undefined {
  const { ready, serving, terminating } = conditions;
  if (terminating === true) return (serving ?? ready ?? true) ? "draining" : undefined;
  return (ready ?? true) ? "ready" : "starting";
}

/** By the port's `appProtocol`, or by what its name begins with (`grpc`, `grpc-orders`). Undefined: nothing that we could speak. */
function addressOf(host: string, port: Port, scheme: string): string | undefined {
  if (typeof port.port !== "number" || (port.protocol ?? "TCP") !== "TCP") return undefined;
  const app = port.appProtocol ?? undefined;
  const named = port.name?.split("-")[0] ?? "";
  const spoken =
    app === undefined ? (schemes.has(named) ? named : undefined) : (appProtocols[app] ?? app);
  // A port with a purpose of its own, such as "metrics", is not where the service is.
  if (spoken === undefined && named !== "" && named !== "rsocket") return undefined;
  if (spoken !== undefined && !schemes.has(spoken)) return undefined;
  return `${spoken ?? scheme}://${host.includes(":") ? `[${host}]` : host}:${port.port}`;
}

function merged(one: Instance, other: Instance): Instance {
  const better = usefulness[other.state] > usefulness[one.state] ? other : one;
  return { ...better, addresses: [...new Set([...one.addresses, ...other.addresses])] };
}

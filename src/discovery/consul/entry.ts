import { systemError } from "../../base/error.ts";
import type { Instance } from "../discovery.ts";
import { writeInstance } from "../instance.ts";

/** A service as Consul's `/v1/health/service/NAME` tells it: what we read of it. */
export interface Entry {
  readonly Node: { readonly Node: string; readonly Address: string };
  readonly Service: {
    readonly ID: string;
    readonly Address?: string;
    readonly Port?: number;
    readonly Meta?: Readonly<Record<string, string>> | null;
    readonly CreateIndex?: number;
  };
}

/** The longest value that Consul takes in the metadata of a service, and how many it takes. */
const valueCharsMax = 512;
const valuesMax = 60;

/** The key under which the life of the instance stands. */
export const bootKey = "trunkline-boot";

/** The instance in the metadata of a service: its JSON in ASCII, cut into pieces that Consul takes. */
export function metaOf(instance: Instance): Readonly<Record<string, string>> {
  const written = writeInstance(instance).replaceAll(
    /[\u007F-\uFFFF]/g,
    (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  const pieces = written.match(new RegExp(`.{1,${valueCharsMax}}`, "gs")) ?? [];
  if (pieces.length > valuesMax) {
    const reason = `consul: the instance ${instance.id} has more than ${valuesMax * valueCharsMax} bytes`;
    throw systemError("INVALID_ARGUMENT", reason, {
      executed: "no",
      advice: "give it less `meta`, or fewer contracts",
    });
  }
  return {
    [bootKey]: instance.bootId.slice(0, valueCharsMax),
    ...Object.fromEntries(pieces.map((piece, index) => [`trunkline-${index}`, piece])),
  };
}

/**
 * What an entry says: the JSON of an instance, as somebody has written it, or an instance made of host and port where it is not
 * one of ours and `scheme` says how such are reached. Undefined: it is nobody's that we could call.
 */
export function readEntry(
  { Node, Service }: Entry,
  { service, scheme }: { readonly service: string; readonly scheme: string | undefined },
): unknown {
  const meta = Service.Meta ?? {};
  if (meta["trunkline-0"] !== undefined) return joined(meta);
  if (scheme === undefined || Service.Port === undefined || Service.Port === 0) return undefined;
  const host = Service.Address || Node.Address;
  const instance: Instance = {
    id: `${Node.Node}/${Service.ID}`,
    bootId: String(Service.CreateIndex ?? 0),
    contracts: [service],
    addresses: [`${scheme}://${host.includes(":") ? `[${host}]` : host}:${Service.Port}`],
    state: "ready",
  };
  return instance;
}

function joined(meta: Readonly<Record<string, string>>): string {
  let json = "";
  for (let index = 0; index <= valuesMax; index++) json += meta[`trunkline-${index}`] ?? "";
  return json;
}

/** Host and port of the first address that has them, for whoever asks Consul by DNS or otherwise. */
export function hostOf({ addresses }: Instance): {
  readonly Address?: string;
  readonly Port?: number;
} {
  for (const address of addresses) {
    const [, host, port] = /^[a-z0-9+]+:\/\/(.+):(\d+)$/.exec(address) ?? [];
    if (host !== undefined) return { Address: host.replaceAll(/[[\]]/g, ""), Port: Number(port) };
  }
  return {};
}

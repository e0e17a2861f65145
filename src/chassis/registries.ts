import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import { ownUser } from "../base/process-owner.ts";
import type { Discovery, DiscoveryCapabilities } from "../discovery/discovery.ts";
import { defaultFolder, directory } from "../discovery/directory/index.ts";
import { dns } from "../discovery/dns/index.ts";
import { memory } from "../discovery/memory/index.ts";
import { fixed } from "../discovery/static/index.ts";
import { LateDiscovery } from "./late-discovery.ts";

/** A registry that an address can name: what stands before the colon, and how it is opened with what stands behind. */
interface Row {
  readonly example: string;
  open(place: string, text: string): Discovery;
}

const leased: DiscoveryCapabilities = {
  registers: true,
  expires: "lease",
  pushes: true,
  attributes: true,
};

/** One whose module is loaded when it is used. */
function late(
  example: string,
  name: string,
  capabilities: DiscoveryCapabilities,
  load: (place: string, text: string) => Promise<Discovery>,
): Row {
  const open = (place: string, text: string): Discovery =>
    new LateDiscovery(name, capabilities, () => load(place, text));
  return { example, open };
}

const consul = late("consul://host:8500", "consul", leased, async (place, text) => {
  const token = process.env["CONSUL_HTTP_TOKEN"];
  const { consul: open } = await import("../discovery/consul/index.ts");
  return open({ urls: urlsAt(place, text), ...(token === undefined ? {} : { token }) });
});

const etcd = late("etcd://host:2379", "etcd", leased, async (place, text) => {
  const [, name, password = ""] = /^([^:]*):?(.*)$/s.exec(process.env["ETCDCTL_USER"] ?? "") ?? [];
  const { etcd: open } = await import("../discovery/etcd/index.ts");
  return open({ urls: urlsAt(place, text), ...(name ? { user: { name, password } } : {}) });
});

const kubernetes = late(
  "kubernetes:NAMESPACE",
  "kubernetes",
  { registers: false, expires: "at once", pushes: true, attributes: true },
  async (namespace) => {
    const { kubernetes: open } = await import("../discovery/kubernetes/index.ts");
    return open(namespace === "" ? {} : { namespace });
  },
);

const registry = late("registry+tcp://host:7500", "registry", leased, async (_place, text) =>
  (await import("./registry-at.ts")).registryAt(text),
);

/** The registries that addresses can name. */
const rows: Readonly<Record<string, Row>> = {
  directory: { example: "directory:/run/services", open: directoryAt },
  static: { example: "static:tcp://10.0.0.1:7400,tcp://10.0.0.2:7400", open: listAt },
  memory: { example: "memory:", open: () => memory() },
  dns: { example: "dns://orders.internal:7400", open: namesAt },
  consul,
  consuls: consul,
  etcd,
  etcds: etcd,
  kubernetes,
  "registry+tcp": registry,
  "registry+tls": registry,
  "registry+unix": registry,
  "registry+memory": registry,
};

/**
 * The discovery that an address names: `directory:` (the folder of this user), `directory:/path`, `static:ADDRESS,ADDRESS`,
 * `memory:`, `etcd://host:2379`, `consul://host:8500` (an `s` behind the name: over TLS), `kubernetes:` (the pod's own namespace),
 * `registry+tcp://host:7500`, `dns://orders.internal:7400` (addresses, spoken to by `tcp:`) and `dns+srv://_orders._tcp.internal`;
 * `dns+tls://`, `dns+srv+grpc://` and the like say what is spoken there instead, and `{service}` in the name stands for the name of the
 * service. What needs a module of its own loads it when it is used. Who we are is said where the programs of
 * etcd and Consul look too, in `ETCDCTL_USER` (`name:password`) and `CONSUL_HTTP_TOKEN`: credentials do not belong into an address.
 *
 * @throws TrunklineError INVALID_ARGUMENT when it names none.
 */
export function discoveryAt(text: string): Discovery {
  const [, scheme = "", place = ""] = /^([a-z0-9+]+):(.*)$/s.exec(text) ?? [];
  const name = scheme.startsWith("dns+") ? "dns" : scheme;
  const row = Object.hasOwn(rows, name) ? rows[name] : undefined;
  if (row !== undefined) return row.open(place, text);
  const known = [...new Set(Object.values(rows).map(({ example }) => example))];
  throw systemError("INVALID_ARGUMENT", `"${conceal(text)}" names no registry`, {
    executed: "no",
    advice: `write one of ${known.join(" · ")}`,
  });
}

/** Where services are found when nobody says otherwise: what `TRUNKLINE_DISCOVERY` says, else the folder of this user. */
export function defaultDiscovery(): string {
  return process.env["TRUNKLINE_DISCOVERY"] || "directory:";
}

interface Shared {
  readonly discovery: Discovery;
  users: number;
}

const shared = new WeakMap<Env, Map<string, Shared>>();

/** A discovery for as long as it is needed. */
export interface TakenDiscovery {
  readonly discovery: Discovery;
  /** Gives it back. What was named by an address closes with its last user; what was given is its owner's to close. */
  readonly release: () => Promise<void>;
}

/** The discovery that is meant: all of a process that name the same one share it. Default: `defaultDiscovery()`. */
export function takeDiscovery(
  which: string | Discovery = defaultDiscovery(),
  env: Env,
): TakenDiscovery {
  if (typeof which !== "string") return { discovery: which, release: () => Promise.resolve() };
  let byText = shared.get(env);
  if (byText === undefined) shared.set(env, (byText = new Map()));
  const known = byText.get(which) ?? { discovery: discoveryAt(which), users: 0 };
  byText.set(which, known);
  known.users++;
  const give = async (): Promise<void> => {
    if (--known.users > 0) return;
    byText.delete(which);
    await known.discovery.close();
  };
  let released: Promise<void> | undefined;
  return { discovery: known.discovery, release: () => (released ??= give()) };
}

function directoryAt(path: string): Discovery {
  if (path !== "") return directory(path);
  const { folder, user } = userFolder();
  return directory(folder, { user });
}

/** Where the services of this user are when nobody says otherwise, and who that is. */
export function userFolder(): { readonly folder: string; readonly user: number | undefined } {
  const user = ownUser();
  return { folder: defaultFolder({ runtimeFolder: process.env["XDG_RUNTIME_DIR"], user }), user };
}

function namesAt(_place: string, text: string): Discovery {
  const match =
    /^dns(\+srv)?(?:\+(tcp|tls|http|https|grpc|grpcs))?:\/\/([^:/@]+)(?::(\d+))?\/?$/.exec(text);
  const [, services, scheme = "tcp", name = "", port] = match ?? [];
  if (match !== null && (services === undefined) !== (port === undefined))
    return dns({ name, scheme, ...(port === undefined ? {} : { port: Number(port) }) });
  throw systemError("INVALID_ARGUMENT", `"${conceal(text)}" names nothing in DNS`, {
    executed: "no",
    advice:
      "write dns://orders.internal:7400 for addresses, which need a port, or dns+srv://_orders._tcp.internal for services, which have theirs",
  });
}

function listAt(list: string): Discovery {
  const addresses = list.split(",").flatMap((each) => each.trim() || []);
  if (addresses.length > 0) return fixed(addresses);
  throw systemError("INVALID_ARGUMENT", "static: names no address", {
    executed: "no",
    advice: `write ${rows["static"]!.example}`,
  });
}

/** `http://a:1` and `http://b:2` of `//a:1,b:2`; `https:` where the scheme ends with an s. */
function urlsAt(place: string, text: string): string[] {
  const scheme = /^[a-z]+s:/.test(text) ? "https" : "http";
  return place
    .replace(/^\/\//, "")
    .split(",")
    .map((host) => `${scheme}://${host.trim()}`);
}

/** Without what may be credentials. */
export function conceal(text: string): string {
  return text.replace(/^([^:]*:\/*)?.*@/s, "$1***@");
}

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { addon } from "../../../os/addon.ts";
import { selfSigned } from "../../../transport/tls/testing/authority.ts";
import { stdio } from "../../../transport/stdio/index.ts";
import { tcp } from "../../../transport/tcp/index.ts";
import { tls } from "../../../transport/tls/index.ts";
import type { Transport } from "../../../transport/transport.ts";
import { unix } from "../../../transport/unix/index.ts";
import type { Ping } from "./contract.ts";
import type { SideTerms } from "./measured.ts";
import type { Audience } from "./posting.ts";
import { programOf } from "./programs.ts";

/** One way to join two parties on one host, and how to set it up for being measured. */
export interface Mechanism {
  readonly name: string;
  /** Where the other side is: in the same thread, in a thread, in a child over its pipes, or in a process of its own. */
  readonly other: "here" | "thread" | "child" | "process";
  /** The address at which it listens; of a broker, where both sides find it. */
  listen(folder: string): string;
  /** It is a broker, whose messages go to one or to all. */
  readonly posts?: Audience;
  /** Where the one that asks listens for notifications; absent: notifications are not measured. */
  back?(folder: string): string;
  /** What its notifications are. Default bytes. */
  readonly ping?: Ping;
  /** It carries notifications alone. */
  readonly oneWay?: true;
  /** The connection must have moved to shared memory, or must not have. */
  readonly shared?: boolean;
  /** Transports with other options than the default ones. */
  serving?(folder: string): readonly Transport[];
  asking?(terms: SideTerms): readonly Transport[];
  /** Takes away what outlives the processes and is not in the folder. */
  remove?(folder: string): void;
}

const loopback = "127.0.0.1:0";

/** Where TCP stays TCP though both are on one host. */
const stay: object = { sameHost: "off" };

/** Both ends that listen show one certificate, which the other end trusts. */
function certified(folder: string): readonly Transport[] {
  const [certPath, keyPath] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  if (!existsSync(certPath)) {
    const { cert, key } = selfSigned({ name: "doctor", hosts: ["127.0.0.1"] });
    writeFileSync(keyPath, key, { mode: 0o600 });
    writeFileSync(certPath, cert, { mode: 0o600 });
  }
  const [cert, key] = [readFileSync(certPath, "utf8"), readFileSync(keyPath, "utf8")];
  return [tls({ ...stay, cert, key })];
}

function trusting({ folder }: SideTerms): readonly Transport[] {
  return [tls({ ...stay, ca: readFileSync(join(folder, "cert.pem"), "utf8") })];
}

const onSocket = (): readonly Transport[] => [unix({ shm: "off" })];
const onTcp = (): readonly Transport[] => [tcp(stay)];

/** All that are measured, in the order of the report. What this version or this machine has not says so. */
export const mechanisms: readonly Mechanism[] = [
  { name: "memory", other: "here", listen: () => "memory:doctor" },
  { name: "worker", other: "thread", listen: () => "worker:doctor" },
  {
    name: "stdio",
    other: "child",
    listen: () => "stdio:",
    asking: (terms) => [
      stdio({ command: programOf("side").command, args: programOf("side", terms).args }),
    ],
  },
  file("unix → shm", "unix", { shared: true }),
  file("unix", "unix", { shared: false, serving: onSocket, asking: onSocket }),
  file("unixpacket", "unixpacket"),
  file("fifo", "fifo"),
  host("tcp → shm", "tcp", { shared: true }),
  host("tcp", "tcp", { shared: false, serving: onTcp, asking: onTcp }),
  host("tls", "tls", { shared: false, serving: certified, asking: trusting }),
  { name: "http", other: "process", listen: () => `http://${loopback}` },
  { name: "http+unix", other: "process", listen: (folder) => `http+unix:${join(folder, "http")}` },
  { name: "grpc", other: "process", listen: () => `grpc://${loopback}` },
  { ...file("unixgram", "unixgram"), oneWay: true },
  { ...host("udp", "udp"), oneWay: true },
  {
    name: "mq",
    other: "process",
    listen: (folder) => `mq:${queues(folder)[0]}`,
    back: (folder) => `mq:${queues(folder)[1]}`,
    oneWay: true,
    remove: (folder) => queues(folder).forEach((name) => addon()?.queueRemove(name)),
  },
  signal("signal", "SIGRTMIN+3", "number"),
  signal("signal, bare", "SIGUSR2", "nothing"),
  broker("mmap", "one", (folder) => `mmap:${join(folder, "ring")}`),
  broker("sharedfile", "one", (folder) => `sharedfile:${join(folder, "shared")}`),
  broker("file", "one", (folder) => `file:${join(folder, "data")}`),
  broker("udp+multicast", "all", (folder) => `udp+multicast://${groupOf(folder)}`),
];

/** A group and a port of this run's own, of those that everybody may use on a host (RFC 2365), as far as chance allows. */
function groupOf(folder: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = createHash("sha256").update(folder).digest();
  return `239.255.${a}.${b}:${49_152 + (((c << 8) | d) % 16_384)}`;
}

/** To a process, by its number: whoever listens there says `self`, and `told` puts the number in its place. */
function signal(name: string, which: string, ping: Ping): Mechanism {
  const address = `signal:self?operation=doctor-pings.${ping}&signal=${which}`;
  return { name, other: "process", listen: () => address, back: () => address, ping, oneWay: true };
}

function broker(name: string, posts: Audience, listen: Mechanism["listen"]): Mechanism {
  return { name, other: "process", listen, posts, oneWay: true };
}

/** A queue stays until somebody removes it, and what it can hold counts against its user. */
function queues(folder: string): readonly [there: string, back: string] {
  const name = `/${basename(folder)}`;
  return [name, `${name}-back`];
}

export function mechanismNamed(name: string): Mechanism {
  const found = mechanisms.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no mechanism "${name}"`);
  return found;
}

function file(name: string, scheme: string, more: Partial<Mechanism> = {}): Mechanism {
  return {
    name,
    other: "process",
    listen: (folder) => `${scheme}:${join(folder, "there")}`,
    back: (folder) => `${scheme}:${join(folder, "back")}`,
    ...more,
  };
}

function host(name: string, scheme: string, more: Partial<Mechanism> = {}): Mechanism {
  const address = `${scheme}://${loopback}`;
  return { name, other: "process", listen: () => address, back: () => address, ...more };
}

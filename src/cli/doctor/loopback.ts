import { basename } from "node:path";
import type { Mendable } from "../findings.ts";
import type { Probe } from "./probe.ts";

/** A process of this user that speaks by TCP with one on the same host. */
export interface LoopbackLink {
  readonly client: Owner;
  readonly server: Owner;
  readonly port: number;
  /** What is spoken there, by the port that it is at home at; `tcp` where that says nothing. */
  readonly protocol: "http" | "grpc" | "amqp" | "tcp";
  /** How many connections there are. */
  readonly connections: number;
  /** The address to write instead, or what else to do. */
  readonly instead: string;
}

export interface Owner {
  /** Absent for a process of another user, which cannot be looked into. */
  readonly pid?: number;
  readonly name: string;
}

interface Socket {
  readonly local: string;
  readonly remote: string;
  readonly port: number;
  readonly remotePort: number;
  readonly listens: boolean;
  readonly uid: number;
  readonly inode: string;
}

/** What a machine with very many processes costs is bounded: so many of them are looked at. */
const processesMost = 4_096;
const socketsMost = 20_000;
const linksTold = 10;

const homes: Readonly<Record<number, LoopbackLink["protocol"]>> = {
  80: "http",
  443: "http",
  3_000: "http",
  4_317: "grpc",
  5_671: "amqp",
  5_672: "amqp",
  8_000: "http",
  8_080: "http",
  8_081: "http",
  8_443: "http",
  50_051: "grpc",
};

/**
 * The links of processes of this user over the loopback of this host, the busiest first. Those to servers of other users are told where
 * it is known what they speak: nobody else's database has another address.
 */
export function loopbackLinks(probe: Probe): LoopbackLink[] {
  const sockets = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) =>
    socketsIn(probe.text(path) ?? ""),
  );
  const listening = new Set(sockets.filter(({ listens }) => listens).map(({ port }) => port));
  const links = sockets.filter(
    (each) =>
      !each.listens &&
      each.uid === probe.uid &&
      isWithinHost(each) &&
      listening.has(each.remotePort),
  );
  if (links.length === 0) return [];
  const owners = ownersOf(probe);
  const found = new Map<string, LoopbackLink>();
  for (const link of links) {
    const end = sockets.find(
      (each) => !each.listens && each.port === link.remotePort && each.remotePort === link.port,
    );
    const protocol = homes[link.remotePort] ?? "tcp";
    const client = owners.get(link.inode);
    const server = end && (owners.get(end.inode) ?? strangerAt(end, protocol, probe));
    // One process that speaks with itself has no other to be reached by a shorter way.
    if (client === undefined || server === undefined || client.pid === server.pid) continue;
    const key = `${client.pid} ${server.pid} ${link.remotePort}`;
    const connections = (found.get(key)?.connections ?? 0) + 1;
    const instead = insteadOf(protocol, server);
    found.set(key, { client, server, port: link.remotePort, protocol, connections, instead });
  }
  return [...found.values()].toSorted((a, b) => b.connections - a.connections);
}

/** What is said of them: nothing is wrong with one, and another address makes it faster. */
export function loopbackFinding(links: readonly LoopbackLink[]): Mendable {
  if (links.length === 0)
    return {
      about: "loopback",
      state: "fine",
      seen: "no process of this user speaks by TCP with one on this host",
    };
  const told = links
    .slice(0, linksTold)
    .map(
      ({ client, server, port, protocol, instead }) =>
        `${toldOf(client)} → ${toldOf(server)}, ${protocol} at port ${port}: ${instead}`,
    );
  const more = links.length > linksTold ? `; and ${links.length - linksTold} more` : "";
  return {
    about: "loopback",
    state: "warning",
    seen: `${links.length === 1 ? "1 pair of processes speaks" : `${links.length} pairs of processes speak`} by TCP on one host`,
    advice: `only an address has to change: ${told.join("; ")}${more}`,
  };
}

function toldOf({ name, pid }: Owner): string {
  return pid === undefined ? name : `${name} (${pid})`;
}

function strangerAt(
  { uid }: Socket,
  protocol: LoopbackLink["protocol"],
  probe: Probe,
): Owner | undefined {
  if (uid === probe.uid || protocol === "tcp") return undefined;
  return { name: `a process of user ${uid}` };
}

/** The lines of /proc/net/tcp: `0: 0100007F:1F90 0100007F:C350 01 … uid … inode`. */
function socketsIn(text: string): Socket[] {
  return text
    .split("\n")
    .slice(1, socketsMost)
    .flatMap((line) => {
      const [, local = "", remote = "", state, , , , uid = "", , inode = ""] = line
        .trim()
        .split(/\s+/);
      const listens = state === "0A";
      if (!listens && state !== "01") return [];
      return [
        {
          local: hostOf(local),
          remote: hostOf(remote),
          port: portOf(local),
          remotePort: portOf(remote),
          listens,
          uid: Number(uid),
          inode,
        },
      ];
    });
}

function hostOf(place: string): string {
  return place.slice(0, place.indexOf(":"));
}

function portOf(place: string): number {
  return Number.parseInt(place.slice(place.indexOf(":") + 1), 16);
}

/** Both ends have one address: that of loopback, or one of the host's own. */
function isWithinHost({ local, remote }: Socket): boolean {
  // 127.0.0.0/8 as the kernel writes it, the last byte first.
  return local === remote || (local.endsWith("7F") && remote.endsWith("7F"));
}

/** Whose each socket is, by its number. Processes of others cannot be looked into. */
function ownersOf(probe: Probe): Map<string, Owner> {
  const owners = new Map<string, Owner>();
  const pids = probe.names("/proc").filter((name) => /^\d+$/.test(name));
  for (const pid of pids.slice(0, processesMost)) {
    for (const fd of probe.names(`/proc/${pid}/fd`)) {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(probe.link(`/proc/${pid}/fd/${fd}`) ?? "") ?? [];
      if (inode !== undefined && !owners.has(inode))
        owners.set(inode, { pid: Number(pid), name: nameOf(probe, pid) });
    }
  }
  return owners;
}

/** What of Node's own takes the next word for itself. */
const withWord = /^(-[epr]|-C|--(eval|print|require|import|loader|conditions|env-file|title))$/;

/** `server.ts` of `node --flag server.ts`; the program's own name where it runs no script. */
function nameOf(probe: Probe, pid: string): string {
  const words = (probe.text(`/proc/${pid}/cmdline`) ?? "").split("\0");
  const [program = "", ...rest] = words;
  const script = /(^|\/)node[^/]*$/.test(program)
    ? rest.find(
        (word, at) => word !== "" && !word.startsWith("-") && !withWord.test(rest[at - 1] ?? ""),
      )
    : undefined;
  return basename(script ?? program) || (probe.text(`/proc/${pid}/comm`) ?? "?").trim();
}

function insteadOf(protocol: LoopbackLink["protocol"], { pid, name }: Owner): string {
  const path =
    pid === undefined
      ? "./run/server.sock, which that user opens by unix({ mode, gid })"
      : `./run/${name.replace(/\.[a-z]+$/, "")}.sock`;
  switch (protocol) {
    case "http":
      return `http+unix:${path}`;
    case "grpc":
      return `grpc+unix:${path}`;
    case "amqp":
      return "file:./data, the embedded broker, where both are Trunkline's; RabbitMQ itself listens to TCP only";
    case "tcp":
      return `unix:${path}, where both are Trunkline's; http+unix: and grpc+unix: for those`;
  }
}

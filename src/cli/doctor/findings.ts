import type { Mendable } from "../findings.ts";
import { bytes, count, several } from "../units.ts";
import { groupLimits, numberIn, processLimit, type GroupLimits } from "./limits.ts";
import type { Probe } from "./probe.ts";

/** Node from which on everything is there. */
const nodeMajorLeast = 24;
/** A process with a thousand connections over shared memory has four descriptors for each. */
const openFilesLeast = 4_096;
/** Connections that arrive at once, as after a restart, wait here to be accepted. */
const backlogLeast = 1_024;
/** Datagrams that wait for a receiver before a sender is told to wait. */
const datagramsLeast = 64;
/** What the queues of one user may take together: two of the default size. */
const queueBytesLeast = 2 * 10 * (8_192 + 128);
/** Containers are given 64 MiB unless somebody asks for more. */
const sharedFolderBytesLeast = 16 * 1024 * 1024;

/** In the folder of the package, whose sources in C come with it; the repository has a script for it. */
const buildsAddon =
  "cd node_modules/trunkline && mkdir -p native/build && gcc -std=c11 -D_GNU_SOURCE -O2 -fPIC -shared -fvisibility=hidden -I $(dirname $(dirname $(which node)))/include/node -o native/build/trunkline.node native/*.c";

/** Looks at everything that decides how well processes of this machine speak with each other. Changes nothing. */
export function machineFindings(probe: Probe): Mendable[] {
  const always = [system(probe), node(probe), native(probe)];
  if (probe.platform !== "linux") return always;
  const groups = groupLimits(probe);
  return [
    ...always,
    ...(probe.addonProblem === undefined ? [sharedMemory(probe), hugePages(probe)] : []),
    sharedFolder(probe),
    cores(probe, groups),
    memory(groups),
    disk(groups),
    openFiles(probe),
    lockedMemory(probe),
    backlog(probe),
    datagrams(probe),
    socketBuffers(probe),
    messageQueues(probe),
    container(probe),
    namespaces(probe),
  ].filter((each) => each !== undefined);
}

function system({ platform, arch, release }: Probe): Mendable {
  const seen = `${platform} ${release} on ${arch}`;
  if (platform === "linux") return { about: "system", state: "fine", seen };
  return {
    about: "system",
    state: "warning",
    seen,
    advice:
      "shared memory, message queues and sockets with boundaries are there on Linux alone; sockets, pipes and threads work here: docs/same-host.md",
  };
}

function node({ node: version }: Probe): Mendable {
  const seen = `Node ${version}`;
  if (Number.parseInt(version, 10) >= nodeMajorLeast) return { about: "node", state: "fine", seen };
  return {
    about: "node",
    state: "wrong",
    seen: `${seen}, and Trunkline needs ${nodeMajorLeast} or later`,
    advice: "older ones lack what it is written with",
  };
}

function native({ addonProblem, platform }: Probe): Mendable {
  if (addonProblem === undefined)
    return { about: "addon", state: "fine", seen: "there, and it loads" };
  const advice =
    "without it everything goes by sockets: no shared memory, no message queues, no sockets with boundaries";
  const mend = platform === "linux" ? mendOf(addonProblem) : undefined;
  const mends = mend === undefined ? {} : { mend };
  return { about: "addon", state: "warning", seen: addonProblem, advice, ...mends };
}

/** Undefined: it is there, may be loaded, and the system does not let it do its work. */
function mendOf(addonProblem: string): string | undefined {
  if (/addons is disabled|ERR_DLOPEN_DISABLED/.test(addonProblem))
    return "start Node without --no-addons; with --permission, add --allow-addons";
  return /came with the package|of version/.test(addonProblem) ? buildsAddon : undefined;
}

function sharedMemory(probe: Probe): Mendable {
  const problem = probe.tryMemory();
  if (problem === undefined)
    return {
      about: "shared-memory",
      state: "fine",
      seen: "a sealed segment was made, mapped and written; a bell too",
    };
  return {
    about: "shared-memory",
    state: "warning",
    seen: problem,
    advice:
      "connections stay on their sockets: a sandbox forbids memfd_create or eventfd, or memory is short",
  };
}

/** Where no process of the system may have any, all the same whether it asks. */
const denied = /\[deny\]/;

function hugePages(probe: Probe): Mendable {
  const about = "huge-pages";
  if (probe.tryHugePages())
    return { about, state: "fine", seen: "shared memory of 2 MiB and more is in huge pages" };
  const setting = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
  const isDenied = denied.test(probe.text(setting) ?? "");
  return {
    about,
    state: "warning",
    seen: isDenied ? "they are denied to shared memory" : "shared memory gets none",
    advice:
      "a loan of 256 MiB is made in seven times the time, and takes 30 ms to hand over instead of less than one; smaller ones accordingly",
    mend: isDenied
      ? `echo advise > ${setting}, as root`
      : `Linux 6.1 or later gives them to every user; before, with 5.14 or later: echo advise > ${setting}, as root`,
  };
}

/** Nothing of ours is there: memory has no name. Other programs share it, and people look for it first. */
function sharedFolder(probe: Probe): Mendable | undefined {
  const space = probe.space("/dev/shm");
  if (space === undefined) return undefined;
  const seen = `/dev/shm has ${bytes(space.bytes)}, ${bytes(space.free)} free; Trunkline's memory has no name and is not there`;
  if (space.free >= sharedFolderBytesLeast) return { about: "dev-shm", state: "fine", seen };
  return {
    about: "dev-shm",
    state: "warning",
    seen,
    advice: "it is full for others who need it: databases, browsers",
    mend: "docker run --shm-size 256m …, or rm what is left over in /dev/shm",
  };
}

function cores(probe: Probe, { cores: quota, throttled }: GroupLimits): Mendable {
  const bound = quota === undefined ? "" : `, time of ${quota.toFixed(1)} by the control group`;
  const stopped = throttled === 0 ? "" : `, stopped ${count(throttled)} times for lack of it`;
  const seen = `${several(probe.cores, "core")}${bound}${stopped}`;
  const usable = Math.min(probe.cores, quota ?? Infinity);
  if (usable >= 2 && throttled === 0) return { about: "cores", state: "fine", seen };
  const advice =
    usable < 2
      ? "the two sides of a call take turns, so each call costs two changes of process, whatever carries it"
      : "a process that is stopped in the midst of a call answers a tenth of a second later";
  return {
    about: "cores",
    state: "warning",
    seen,
    advice,
    mend: "give the container more: docker update --cpus 2 NAME, or resources.limits.cpu in Kubernetes",
  };
}

function memory({ memoryBytes, memoryUsedBytes = 0 }: GroupLimits): Mendable {
  if (memoryBytes === undefined)
    return { about: "memory", state: "fine", seen: "the control group sets no limit" };
  const seen = `${bytes(memoryUsedBytes)} of ${bytes(memoryBytes)} of the control group are used`;
  if (memoryUsedBytes < memoryBytes * 0.9) return { about: "memory", state: "fine", seen };
  return {
    about: "memory",
    state: "warning",
    seen,
    advice: "shared memory counts here too; what does not fit ends in a killed process",
    mend: "docker update --memory 2g NAME, or resources.limits.memory in Kubernetes",
  };
}

function disk({ io }: GroupLimits): Mendable {
  if (io.length === 0)
    return { about: "io", state: "fine", seen: "the control group sets no limit on disks" };
  return {
    about: "io",
    state: "warning",
    seen: `the control group bounds disks: ${io.join("; ")}`,
    advice: "brokers in a folder (file:) wait for the disk before they confirm",
  };
}

function openFiles(probe: Probe): Mendable | undefined {
  const limit = processLimit(probe, "Max open files");
  if (limit === undefined) return undefined;
  const seen = `${shownLimit(limit.soft)} files and sockets at once, at most ${shownLimit(limit.hard)}`;
  if (limit.soft >= openFilesLeast) return { about: "open-files", state: "fine", seen };
  return {
    about: "open-files",
    state: "warning",
    seen,
    advice: "each connection over shared memory has about five",
    mend: "ulimit -n 65536, or LimitNOFILE=65536 in the unit of systemd",
  };
}

/** Our memory is not locked: this is for whoever wants it never to be swapped. */
function lockedMemory(probe: Probe): Mendable | undefined {
  const limit = processLimit(probe, "Max locked memory");
  if (limit === undefined) return undefined;
  const seen = `${limit.soft === Infinity ? "as much as there is" : bytes(limit.soft)} may be locked; Trunkline locks none`;
  return { about: "locked-memory", state: "fine", seen };
}

function backlog(probe: Probe): Mendable | undefined {
  const most = numberIn(probe, "/proc/sys/net/core/somaxconn");
  if (most === undefined) return undefined;
  const seen = `${count(most)} connections may wait to be accepted`;
  if (most >= backlogLeast) return { about: "backlog", state: "fine", seen };
  return {
    about: "backlog",
    state: "warning",
    seen,
    advice: "when many clients come back at once, some are refused and try again later",
    mend: "sysctl -w net.core.somaxconn=4096",
  };
}

function datagrams(probe: Probe): Mendable | undefined {
  const most = numberIn(probe, "/proc/sys/net/unix/max_dgram_qlen");
  if (most === undefined) return undefined;
  const seen = `${count(most)} datagrams wait at a Unix socket`;
  if (most >= datagramsLeast) return { about: "datagrams", state: "fine", seen };
  return {
    about: "datagrams",
    state: "warning",
    seen,
    advice:
      "a sender of unixgram: waits, or loses what it may not keep, when a few have not been read",
    mend: "sysctl -w net.unix.max_dgram_qlen=512",
  };
}

function socketBuffers(probe: Probe): Mendable | undefined {
  const core = (name: string): string => {
    const value = numberIn(probe, `/proc/sys/net/core/${name}`);
    return value === undefined ? "?" : bytes(value);
  };
  if (numberIn(probe, "/proc/sys/net/core/wmem_default") === undefined) return undefined;
  const seen = `a socket buffers ${core("wmem_default")} out, up to ${core("wmem_max")}, and ${core("rmem_default")} in, up to ${core("rmem_max")}`;
  return { about: "socket-buffers", state: "fine", seen };
}

function messageQueues(probe: Probe): Mendable | undefined {
  const read = (name: string): number | undefined => numberIn(probe, `/proc/sys/fs/mqueue/${name}`);
  const [messages, size, queues] = [read("msg_max"), read("msgsize_max"), read("queues_max")];
  if (messages === undefined || size === undefined || queues === undefined)
    return {
      about: "message-queues",
      state: "warning",
      seen: "this kernel has no POSIX message queues",
      advice: "mq: does not work here; everything else does",
    };
  const allowed = processLimit(probe, "Max msgqueue size")?.soft ?? Infinity;
  const seen = `${count(messages)} messages of ${bytes(size)} in a queue, ${count(queues)} queues, ${allowed === Infinity ? "no limit" : bytes(allowed)} for this user`;
  if (allowed >= queueBytesLeast) return { about: "message-queues", state: "fine", seen };
  return {
    about: "message-queues",
    state: "warning",
    seen,
    advice: "there is not even room for two queues of the default size",
    mend: "ulimit -q 819200, or LimitMSGQUEUE=819200 in the unit of systemd",
  };
}

function container(probe: Probe): Mendable {
  const kind = containerOf(probe);
  const filtered = /^Seccomp:\s*2$/m.test(probe.text("/proc/self/status") ?? "");
  const seen = `${kind ?? "none that shows"}${filtered ? ", system calls are filtered" : ""}`;
  return { about: "container", state: "fine", seen };
}

function containerOf(probe: Probe): string | undefined {
  if (probe.text("/.dockerenv") !== undefined) return "Docker";
  if (probe.text("/run/.containerenv") !== undefined) return "Podman";
  const groups = probe.text("/proc/1/cgroup") ?? "";
  return /kubepods/.test(groups) ? "Kubernetes" : /docker|lxc|containerd/.exec(groups)?.[0];
}

/** Two processes meet at a socket file wherever they see the same folder; pids and loopback are another matter. */
function namespaces(probe: Probe): Mendable {
  const apart = (name: string): string => {
    const [own, first] = [probe.link(`/proc/self/ns/${name}`), probe.link(`/proc/1/ns/${name}`)];
    if (own === undefined || first === undefined) return "not known";
    return own === first ? "that of process 1" : "one of its own";
  };
  const seen = `processes: ${apart("pid")}; network: ${apart("net")}`;
  return { about: "namespaces", state: "fine", seen };
}

function shownLimit(value: number): string {
  return value === Infinity ? "no bound" : count(value);
}

/** What is asked of a mechanism. */
export type Pattern = "call" | "stream" | "event";

/** Who is at the other end: the same user, another user of the host, or somebody in another container of it. */
export type Trust = "same-user" | "other-user" | "container";

/** What a mechanism promises, whoever measures it. */
export interface Facts {
  readonly name: string;
  /** What one writes to get it. */
  readonly write: string;
  readonly joins: "one process" | "parent and child" | "any two";
  readonly patterns: readonly Pattern[];
  readonly trust: readonly Trust[];
  /** What was accepted outlives both processes. */
  readonly durable: boolean;
  /** The largest message in bytes; absent: what the options say, 4 MiB at first. */
  readonly bytesMost?: number;
  /** Who can read what is said, and say something. */
  readonly read: string;
  readonly say: string;
  /** Who can pretend to be somebody else. */
  readonly spoof: string;
  /** Who can make it full, and what happens then. */
  readonly fill: string;
  /** What to know of it though it fits. */
  readonly know?: string;
  /** The same for whoever is at the other end. */
  readonly among?: Partial<Record<Trust, string>>;
}

// Root can do all of it everywhere, and is not named.

const all = ["call", "stream", "event"] as const;
const everybody = ["same-user", "other-user", "container"] as const;
const connections = "whoever may connect, up to `connectionsMax`; each is held up by itself";

const ofProcess = {
  read: "the process",
  say: "the process",
  spoof: "nobody",
  fill: "the process itself; bounded, it is held up",
};

const mounted = "in a folder that is mounted in both, by the same user";
const ofSocketFile = {
  among: {
    "other-user": "let their group in: mode 0o660, gid",
    container: `${mounted}, or with mode and gid`,
  },
  read: "its two ends",
  say: "whoever may write to the socket file: mode 0600, the user alone, unless said otherwise",
  spoof: "nobody: the kernel says who connects",
  fill: connections,
};

const ofLoopback = {
  among: {
    "other-user": "every user of the host may connect: authorize, or take TLS",
    container: "where both share a network: loopback of one container is not that of another",
  },
  read: "its two ends, and who may capture packets",
  say: "every process of the host, of every user",
  spoof: "whoever binds the port first",
  fill: connections,
};

const ofCertificates = {
  ...ofLoopback,
  among: {
    ...ofLoopback.among,
    "other-user": 'clientCertificate: "required" tells who is there',
  },
  read: "its two ends",
  say: "who has a certificate, where one is asked for; else every process of the host",
  spoof: "who has the private key",
};

const ofDatagrams = {
  ...ofLoopback,
  read: "the receiver, and who may capture packets",
  spoof: "every process of the host: the sender is not known",
  fill: "every process of the host: then the system drops datagrams and tells nobody",
};
const ofFiles = {
  among: { container: mounted },
  read: "whoever may read the files: mode 0600, the user alone",
  say: "whoever may write to the files: the user alone",
  spoof: "whoever may write to the files",
  fill: "publishers, up to the bounds of queues and of the disk; then they wait or are refused",
};
const atMostOnce = "at most once: what is lost is lost";

/** In the order of the report. */
export const facts: readonly Facts[] = [
  of("memory", "memory:orders", "one process", ["same-user"], ofProcess),
  of("worker", "worker:orders", "one process", ["same-user"], ofProcess),
  of("stdio", "stdio:", "parent and child", ["same-user"], {
    read: "parent and child",
    say: "parent and child",
    spoof: "nobody: the pipes have no name",
    fill: "either of them; bounded, it is held up",
  }),
  of("unix → shm", "unix:./run/orders.sock", "any two", ["same-user", "container"], {
    ...ofSocketFile,
    fill: `${connections}; 0.5 MiB of memory for each`,
  }),
  of("unix", 'unix({ shm: "off" })', "any two", everybody, ofSocketFile),
  of("unixpacket", "unixpacket:./run/orders.sock", "any two", everybody, ofSocketFile),
  of("fifo", "fifo:./run/orders", "any two", ["same-user", "container"], {
    ...ofSocketFile,
    say: "whoever may write to the folder: the user alone",
    spoof: "whoever may write to the folder",
  }),
  of("tcp → shm", "tcp://127.0.0.1:7400", "any two", ["same-user"], ofLoopback),
  of("tcp", 'tcp({ sameHost: "off" })', "any two", everybody, ofLoopback),
  of("tls", "tls://127.0.0.1:7400", "any two", everybody, ofCertificates),
  of("http", "http://127.0.0.1:8080", "any two", everybody, ofLoopback),
  of("http+unix", "http+unix:./run/orders.sock", "any two", everybody, ofSocketFile),
  of("grpc", "grpc://127.0.0.1:50051", "any two", everybody, ofLoopback),
  {
    ...of("unixgram", "unixgram:./run/metrics.sock", "any two", everybody, ofSocketFile),
    patterns: ["event"],
    bytesMost: 131_072,
    spoof: "nobody: the kernel says who sends",
    fill: "whoever may write to it: then senders are refused, or what is sent is lost and counted",
    know: atMostOnce,
  },
  {
    ...of("udp", "udp://127.0.0.1:7000", "any two", everybody, ofDatagrams),
    patterns: ["event"],
    bytesMost: 65_507,
    know: atMostOnce,
  },
  {
    ...of("mq", "mq:/orders", "any two", ["same-user", "other-user"], ofSocketFile),
    patterns: ["event"],
    bytesMost: 8_192,
    read: "whoever may read the queue: mode 0600, the user alone, unless said otherwise",
    say: "whoever may write to the queue: the same",
    spoof: "whoever may write to it: messages do not say who sent them",
    fill: "whoever may write to it: 10 messages, then senders wait or are refused",
    know: atMostOnce,
  },
  {
    ...of("mmap", "mmap:./orders", "any two", ["same-user", "container"], ofFiles),
    patterns: ["event"],
    durable: true,
    bytesMost: 1024 * 1024 - 256,
    fill: "whoever may write to it: a ring of 4 MiB, then senders wait or are refused",
    know: "outlives its processes, and a loss of power with ?sync=disk",
  },
  {
    ...of("sharedfile", "sharedfile:./talk", "any two", ["same-user", "container"], ofFiles),
    patterns: ["event"],
    durable: true,
    bytesMost: 3 * 1024 * 1024,
    fill: "publishers, up to 1 GiB for each channel; then they are refused",
    know: "outlives its processes, and a loss of power with ?sync=disk",
  },
  {
    ...of("file", "file:./data", "any two", ["same-user", "container"], ofFiles),
    patterns: ["event"],
    durable: true,
    know: "outlives a loss of power",
  },
  {
    ...of("udp+multicast", "udp+multicast://239.1.2.3:7000", "any two", everybody, ofDatagrams),
    patterns: ["event"],
    bytesMost: 1_200,
    read: "every process of the host",
    know: `to all who listen, ${atMostOnce}`,
  },
  {
    ...of("signal", "signal:4711?signal=SIGRTMIN+3", "any two", ["same-user"], ofProcess),
    patterns: ["event"],
    bytesMost: 4,
    say: "every process of the same user",
    spoof: "nobody: the kernel says who sends",
    fill: "every process of the same user: more than 4,096 between two looks of the process are lost, and beyond `ulimit -i` senders wait",
    know: "a number of 32 bits, and one may overtake another",
  },
  {
    ...of("signal, bare", "signal:4711?signal=SIGUSR2", "any two", ["same-user"], ofProcess),
    patterns: ["event"],
    bytesMost: 0,
    say: "every process of the same user",
    spoof: "every process of the same user: it is not said who sends",
    fill: "nobody: of several that come before the process looks it hears one",
    know: "it says that something is so, not how often: several become one",
  },
];

function of(
  name: string,
  write: string,
  joins: Facts["joins"],
  trust: readonly Trust[],
  who: Pick<Facts, "read" | "say" | "spoof" | "fill" | "among">,
): Facts {
  return { name, write, joins, trust, patterns: all, durable: false, ...who };
}

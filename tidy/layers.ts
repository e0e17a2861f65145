// The rules of `src/` as data. `rules.ts` applies them; ARCHITECTURE.md prints the layers.

/** Lowest first. A folder may import itself and the folders of lower layers. */
export const layers: readonly (readonly string[])[] = [
  ["base"],
  ["contract", "resilience", "codec", "security"],
  ["wire", "os", "schema"],
  ["transport", "discovery", "store", "shm"],
  ["protocol", "broker"],
  ["pipeline"],
  ["call"],
  ["messaging"],
  ["bridge", "amqp", "group", "eventstore", "saga", "processing"],
  ["chassis"],
  ["testing", "gateway", "registrar", "sync"],
  ["cli"],
];

/**
 * The ports: folders whose subfolders are implementations. Each implementation has a
 * `conformance.test.ts` that runs the cases of `<port>/suite.ts`, made by the function named here.
 */
export const ports: Readonly<Record<string, string>> = {
  transport: "transportCases",
  discovery: "discoveryCases",
  store: "storeCases",
  protocol: "protocolCases",
  broker: "brokerCases",
  codec: "codecCases",
};

/** What runs in a browser too: these and all that they import name no `node:` module and no Buffer. */
export const browserSafe: readonly string[] = [
  "src/contract/",
  "src/base/deadline.ts",
  "src/base/duration.ts",
  "src/base/error.ts",
  "src/base/outcome.ts",
];

/** Folders beside `src/` that may import its files; all others import `trunkline` by name. */
export const insiders: Readonly<Record<string, string>> = {
  clusters: "drives brokers by their port, without the rest of a process",
  compatibility:
    "stands for RabbitMQ's tools beside a broker that somebody else's tests speak with",
  bench: "measures parts that are not public",
  fuzz: "feeds parts that are not public",
  soak: "counts the alarms of the timer wheel",
  sim: "plays registries and endpoint sets without the rest of a process",
  torture: "drives brokers and stores by their ports, and puts itself between them and the rest",
  mutants: "breaks the sources to see the tests fail",
};

/** What tests in `src/` may import beside it: adapters of servers of somebody else are tried with these servers. */
export const foreignServers = "scripts/servers/";

export type Ambient = "clock" | "timer" | "random" | "process";

/** Files outside `src/base/` that may touch the machine. They are few, and each says why. */
export const ambientAllowed: readonly {
  readonly path: string;
  readonly what: Ambient;
  readonly because: string;
}[] = [
  {
    path: "src/bridge/embedded/file.ts",
    what: "process",
    because: "who owns a folder writes down whose it is, for those who wonder why nobody answers",
  },
  {
    path: "src/chassis/registries.ts",
    what: "process",
    because: "TRUNKLINE_DISCOVERY, XDG_RUNTIME_DIR and the user say where services are found",
  },
  {
    path: "src/chassis/signals.ts",
    what: "process",
    because: "SIGTERM arrives at the process, and the chassis answers it",
  },
  {
    path: "src/chassis/mode.ts",
    what: "process",
    because: "NODE_ENV decides whether what is sent is validated too, when nobody says otherwise",
  },
  {
    path: "src/cli/doctor/measure/asker.ts",
    what: "process",
    because: "it is a program: it is told what to measure, and says what that cost its process",
  },
  {
    path: "src/cli/doctor/measure/programs.ts",
    what: "process",
    because: "the processes that are measured run on the same Node",
  },
  {
    path: "src/cli/doctor/measure/side.ts",
    what: "process",
    because: "it is a program too: the other side of what is measured",
  },
  {
    path: "src/cli/doctor/probe.ts",
    what: "process",
    because: "the doctor says whether this Node is new enough, and looks at what its user runs",
  },
  {
    path: "src/cli/main.ts",
    what: "process",
    because: "it is the program: arguments, streams, Ctrl-C and exit code are the process's",
  },
  {
    path: "src/os/testing/lab.ts",
    what: "timer",
    because: "tests of the addon wait for the turns of the real event loop",
  },
  {
    path: "src/os/testing/lab.ts",
    what: "process",
    because: "tests of the addon start processes of the Node that runs them",
  },
  {
    path: "src/testing/sim-env.ts",
    what: "timer",
    because: "it is an Env: virtual time goes on when the real turn has ended",
  },
  {
    path: "src/transport/signal/receive.ts",
    what: "process",
    because: "signals come to the process",
  },
  {
    path: "src/transport/signal/sender.ts",
    what: "process",
    because: "it sends signals to processes, its own among them",
  },
  {
    path: "src/transport/stdio/own-pipes.ts",
    what: "process",
    because:
      "what a child prints goes to stderr while its stdout carries frames, and its peer is its parent",
  },
  {
    path: "src/transport/worker/switchboard.ts",
    what: "process",
    because: "threads ask the main thread by an event of its process",
  },
  {
    path: "src/transport/same-host/door-folder.ts",
    what: "process",
    because:
      "XDG_RUNTIME_DIR says where sockets of the user are, and the name of one tells the pid of its process",
  },
  {
    path: "src/transport/shm/process-memory.ts",
    what: "process",
    because: "how much memory the cgroup of the process allows bounds what it shares",
  },
  {
    path: "src/transport/unix/owner.ts",
    what: "process",
    because: "the hidden name of a socket tells the pid of the process that made it",
  },
];

export const linesMax = 500;

export const namesBanned = /(^|[/.-])(utils?|helpers?|common|misc|manager|impl)([/.-]|$)/;

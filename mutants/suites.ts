import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { root, type Mutant, type SuiteName } from "./mutant.ts";

/** A run that has not ended after so long hangs: the mutant is noticed. */
const timeoutMs = 90_000;

/** Enough for every suite; a mutant that lets the memory grow ends sooner. */
const heapMb = 1_024;

/** What the simulator plays. */
const played: Readonly<Partial<Record<SuiteName, string>>> = {
  sim: "calls",
  "sim-broker": "broker",
  "sim-messaging": "messaging",
  "sim-outbox": "outbox",
};

const tests: Readonly<
  Record<
    Exclude<SuiteName, "sim" | "sim-broker" | "sim-messaging" | "sim-outbox">,
    readonly string[]
  >
> = {
  protocol: ["src/protocol/rsocket/**/*.test.ts"],
  client: ["src/call/*.test.ts", "src/testing/suites.test.ts"],
  deadLetters: ["src/messaging/dead/{blocked-keys,letter,parking,redrive}.test.ts"],
  testing: ["src/testing/*.test.ts"],
  codec: ["src/codec/**/*.test.ts"],
  resilience: [
    "src/resilience/**/*.test.ts",
    "src/pipeline/*.test.ts",
    "src/discovery/balancing/*.test.ts",
  ],
  discovery: [
    "src/discovery/*.test.ts",
    "src/discovery/consul/played.test.ts",
    "src/discovery/kubernetes/*.test.ts",
  ],
  directory: ["src/discovery/directory/*.test.ts"],
  dns: ["src/discovery/dns/*.test.ts"],
  attempts: ["src/chassis/{attempt-told,call-origin}.test.ts"],
  keys: ["src/chassis/{keys,store-keys,transactional-calls}.test.ts"],
  messaging: [
    "src/messaging/**/*.test.ts",
    "src/chassis/{batches,filtered-messages,messages,patterns,receiver,steps}.test.ts",
  ],
  broker: ["src/broker/memory/*.test.ts", "src/broker/kafka/completion.test.ts"],
  amqp: ["src/amqp/{bounds,channels,confirms,handshake,server,unsettled}.test.ts"],
  embedded: ["src/broker/embedded/{,log/,queue/}*.test.ts"],
  embeddedRouting: [
    "src/broker/embedded/routing/{topology,headers,hashed}.test.ts",
    "src/broker/embedded/{death,dead-letters,deduplication,recently-published}.test.ts",
    "src/broker/embedded/log/*.test.ts",
  ],
  embeddedPort: ["src/broker/embedded/port/*.test.ts", "src/bridge/broker/conformance.test.ts"],
  gateway: ["src/gateway/**/*.test.ts"],
  bridge: ["src/bridge/{registry,evidence}/**/*.test.ts", "src/discovery/keep-lease.test.ts"],
  sharedFile: ["src/broker/sharedfile/*.test.ts"],
  mmap: ["src/broker/mmap/{ring,interleavings}.test.ts"],
  inbox: [
    "src/messaging/inbox/*.test.ts",
    "src/chassis/{inboxes,transactional-commands,transactional-handlers}.test.ts",
  ],
  shm: ["src/os/ring.test.ts", "src/transport/shm/{handshake,interleavings,parcels}.test.ts"],
  sameHost: ["src/transport/same-host/{two-ways,under-load}.test.ts"],
  replies: ["src/messaging/replies/*.test.ts", "src/bridge/calls/calls.test.ts"],
};

/** The seeds that a mutant has to survive. */
const seeds = 400;

export interface Verdict {
  readonly killed: boolean;
  /** What noticed it: the first failing test, or violation. When it is not killed: how the run ended. */
  readonly how: string;
  readonly seconds: number;
}

/** Runs a suite until its first failure, against the mutant or, without one, against the library as it is. */
export function judge(suite: SuiteName, mutant?: Mutant): Promise<Verdict> {
  const { promise, resolve } = Promise.withResolvers<Verdict>();
  const startedAt = performance.now();
  const child = spawn(process.execPath, commandOf(suite, mutant !== undefined), {
    cwd: root,
    env: { ...process.env, TRUNKLINE_MUTANT: mutant?.name },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let noticed: string | undefined;
  const notice = (what: string): void => {
    noticed ??= what;
    child.kill("SIGKILL");
  };
  const timer = setTimeout(() => notice("hangs"), timeoutMs);
  let tail = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      const seen = tail + text; // a piece may be longer than what is kept
      const failure = /^\s*(?:not ok \d+ - |✗ )(.*)$/m.exec(seen);
      tail = seen.slice(-4_000);
      if (failure !== null) notice(failure[1]!.slice(0, 100));
    });
  }
  child.on("close", (code) => {
    clearTimeout(timer);
    const seconds = (performance.now() - startedAt) / 1_000;
    const end = code === 0 ? "passes" : `ends with ${code}: ${tail.trim().slice(-300)}`;
    resolve({ killed: noticed !== undefined, how: noticed ?? end, seconds });
  });
  return promise;
}

function commandOf(suite: SuiteName, broken: boolean): string[] {
  const node = ["--conditions=@trunkline/source", `--max-old-space-size=${heapMb}`];
  if (broken) node.push("--import", join(root, "mutants/break.ts"));
  const play = played[suite];
  if (play !== undefined) return [...node, "sim/main.ts", play, "--seeds", String(seeds), "--bail"];
  const files = globSync([...tests[suite as keyof typeof tests]], { cwd: root });
  return [...node, "--test", "--test-isolation=none", "--test-reporter=tap", ...files];
}

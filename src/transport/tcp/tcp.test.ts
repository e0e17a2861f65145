import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";

import { realEnv } from "../../base/real-env.ts";
import { parseAddress } from "../address.ts";
import { arrived, numbered, send } from "../suite/frames.ts";
import { Recorder } from "../suite/recorder.ts";
import type { Connection, Listener, ListenOptions } from "../transport.ts";
import { tcp, type TcpOptions } from "./index.ts";
import { race } from "./race.ts";

const env = realEnv();
const soon = { timeout: 60_000 };
const linux = { ...soon, skip: process.platform === "linux" ? false : "looks into /proc" };

async function listen(
  t: TestContext,
  text: string,
  accept: (connection: Connection) => void = (connection) => connection.destroy("not wanted"),
  options: ListenOptions = {},
): Promise<Listener> {
  const listener = await tcp().listen(parseAddress(text), accept, options, env);
  t.after(() => listener.close());
  return listener;
}

/** Accepts; the connection is destroyed after the test. */
function keep(t: TestContext, into: Connection[] = []): (connection: Connection) => void {
  return (connection) => {
    into.push(connection);
    t.after(() => connection.destroy("the test is over"));
  };
}

async function dial(
  t: TestContext,
  text: string,
  options: TcpOptions = {},
  forMs: number = 10_000,
): Promise<Connection> {
  const until = env.now() + forMs;
  const connection = await tcp(options).dial(parseAddress(text), { until }, env);
  t.after(() => connection.destroy("the test is over"));
  return connection;
}

function portIn(text: string): number {
  return Number(/\d+$/.exec(text)![0]);
}

/** Listens at the host that it is given, on a free port, and tells the address. */
const program = `
  import { realEnv } from ${JSON.stringify(import.meta.resolve("../../base/real-env.ts"))};
  import { parseAddress } from ${JSON.stringify(import.meta.resolve("../address.ts"))};
  import { tcp } from ${JSON.stringify(import.meta.resolve("./index.ts"))};
  const receiver = { frame() {}, drain() {}, ended() {}, closed() {} };
  const accept = (connection) => connection.open(receiver);
  const listener = await tcp().listen(parseAddress("tcp://127.0.0.1:0"), accept, {}, realEnv());
  console.log(listener.address.text);
`;

async function startListening(
  t: TestContext,
  text: string = program,
): Promise<{ child: ChildProcess; address: string }> {
  const args = ["--input-type=module", "--eval", text];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, address: (await lines.next()).value as string };
}

for (const host of ["127.0.0.1", "[::1]", "localhost", "127.8.9.10"]) {
  test(`on port 0 of ${host} the address tells the port that it got`, soon, async (t) => {
    const accepted: Connection[] = [];
    const { address } = await listen(t, `tcp://${host}:0`, keep(t, accepted));
    match(address.text, /^tcp:\/\/.*:\d+$/);
    ok(portIn(address.text) > 0);
    deepEqual(address, parseAddress(`tcp://${host}:${portIn(address.text)}`));
    const near = await dial(t, address.text);
    send(near, numbered(1, 100));
    near.open(new Recorder(near));
    while (accepted.length === 0) await new Promise((resolve) => env.yield(() => resolve(0)));
    const far = new Recorder(accepted[0]!).open();
    await arrived(far, [numbered(1, 100)]);
    equal(near.peer.address, address.text);
    match(far.connection.peer.address, /^tcp:\/\/(127\.\d+\.\d+\.\d+|\[::1\]):\d+$/);
    deepEqual([near.peer.sameHost, far.connection.peer.sameHost], [true, true]);
  });
}

test("on [::] IPv4 is accepted too, and a peer is told as IPv4", soon, async (t) => {
  const accepted = Promise.withResolvers<Connection>();
  const { address } = await listen(t, "tcp://[::]:0", accepted.resolve);
  const near = await dial(t, `tcp://127.0.0.1:${portIn(address.text)}`);
  const far = await accepted.promise;
  match(far.peer.address, /^tcp:\/\/127\.0\.0\.1:\d+$/);
  equal(far.peer.sameHost, true);
  far.destroy("the test is over");
  near.destroy("the test is over");
});

test("of a name with a dead family the other one is reached", soon, async (t) => {
  const { address } = await listen(t, "tcp://127.0.0.1:0", keep(t));
  const text = `tcp://orders.test:${portIn(address.text)}`;
  const asked: string[] = [];
  const lookup = async (host: string): Promise<string[]> => {
    asked.push(host);
    return ["::1", "127.0.0.1"];
  };
  const connection = await dial(t, text, { lookup });
  deepEqual(asked, ["orders.test"]);
  deepEqual(connection.peer, { address: text, sameHost: true });
});

test("a name with a silent address is reached at the other one", soon, async (t) => {
  // A process that stands still, with one place in its queue, lets the system drop what comes after.
  const silent = await startSilent(t);
  const port = portIn(silent);
  const server = createServer((socket) => socket.destroy()).listen(port, "127.0.0.2");
  await once(server, "listening");
  t.after(() => server.close());
  const lookup = async (): Promise<string[]> => ["127.0.0.1", "127.0.0.2"];
  await dial(t, `tcp://orders.test:${port}`, { lookup });
});

test("a host that does not answer is given up in time", soon, async (t) => {
  const silent = await startSilent(t);
  await rejects(dial(t, silent, {}, 100), {
    code: "UNAVAILABLE",
    executed: "no",
    endpoint: silent,
    message: /no answer in time\.[^]*whether the host is up/,
  });
});

test("a name service that does not answer is given up in time", soon, async (t) => {
  const lookup = (): Promise<never> => new Promise(() => {});
  await rejects(dial(t, "tcp://orders.test:7400", { lookup }, 50), {
    code: "UNAVAILABLE",
    executed: "no",
    message: /not connected in time/,
  });
});

test("an unknown host is told", soon, async (t) => {
  const unknown = Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" });
  const expected = { code: "UNAVAILABLE", executed: "no", message: /the host is not known/ };
  const lookup = (): Promise<never> => Promise.reject(unknown);
  await rejects(dial(t, "tcp://orders.test:7400", { lookup }), expected);
  await rejects(dial(t, "tcp://orders.test:7400", { lookup: async () => [] }), expected);
  const listening = tcp({ lookup }).listen(parseAddress("tcp://orders.test:0"), () => {}, {}, env);
  await rejects(listening, expected);
});

test("where nobody listens is told with all addresses of the name", soon, async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  await rejects(dial(t, `tcp://localhost:${port}`), {
    code: "UNAVAILABLE",
    executed: "no",
    endpoint: `tcp://localhost:${port}`,
    message: /nobody listens there \(127\.0\.0\.1: ECONNREFUSED, ::1: ECONNREFUSED\)/,
  });
});

test("port 0 is not dialled", soon, async (t) => {
  await rejects(dial(t, "tcp://127.0.0.1:0"), { code: "INVALID_ARGUMENT", executed: "no" });
});

test("an address in use is told, with how to find out who uses it", soon, async (t) => {
  const { address } = await listen(t, "tcp://127.0.0.1:0");
  await rejects(listen(t, address.text), {
    code: "UNAVAILABLE",
    executed: "no",
    endpoint: address.text,
    message: new RegExp(`in use \\(EADDRINUSE\\)[^]*sport = :${portIn(address.text)}`),
  });
});

test("an address that the host does not have is told", soon, async (t) => {
  await rejects(listen(t, "tcp://192.0.2.1:0"), {
    code: "INVALID_ARGUMENT",
    executed: "no",
    message: /does not have that address \(EADDRNOTAVAIL\)/,
  });
});

const unprivileged = "/proc/sys/net/ipv4/ip_unprivileged_port_start";

test("a port below 1024 without the right to it is told", linux, async (t) => {
  if (Number(readFileSync(unprivileged, "utf8")) <= 999) return t.skip("here everybody may");
  const root = process.geteuid!() === 0;
  if (root) process.seteuid!(65_534);
  try {
    await rejects(listen(t, "tcp://127.0.0.1:999"), {
      code: "PERMISSION_DENIED",
      executed: "no",
      message: /port 999, which is below 1024[^]*choose a port from 1024 on/,
    });
  } finally {
    if (root) process.seteuid!(0);
  }
});

test(
  "a process that has no file left is told, and goes on when there are some",
  linux,
  async (t) => {
    const text = `${program}
    const { address } = listener;
    const dialled = [];
    const dial = () => tcp().dial(address, { until: realEnv().now() + 10_000 }, realEnv());
    process.stdin.once("data", async () => {
      try {
        for (;;) dialled.push(await dial());
      } catch (error) {
        console.log(error.code, error.executed, error.message.replaceAll("\\n", " "));
      }
      for (const connection of dialled) connection.destroy("to make room");
      await new Promise((resolve) => setTimeout(resolve, 50));
      dialled.push(await dial());
      console.log("dialled");
    });`;
    const command = `ulimit -n 64; exec "$0" --input-type=module --eval "$1"`;
    const child = spawn("sh", ["-c", command, process.execPath, text], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    t.after(() => child.kill("SIGKILL"));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    await lines.next();
    child.stdin.write("go");
    match((await lines.next()).value as string, /^RESOURCE_EXHAUSTED no .*\(EMFILE\).*ulimit -n/);
    equal((await lines.next()).value, "dialled");
  },
);

test("a socket that was connected with itself is as if nobody listened", linux, async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  const start = (host: string): { socket: ReturnType<typeof connect> } => ({
    socket: connect({ host, port, localAddress: host, localPort: port }),
  });
  const { winner, failures } = await race(["127.0.0.1"], start, env.now() + 10_000, env);
  equal(winner, undefined);
  equal(failures[0]?.error.message, "connected with itself");
});

test("keep-alive is switched on at both ends", linux, async (t) => {
  const { address } = await listen(t, "tcp://127.0.0.1:0", keep(t));
  await dial(t, address.text);
  const port = portIn(address.text).toString(16).toUpperCase().padStart(4, "0");
  const established = (): string[] =>
    readFileSync("/proc/net/tcp", "utf8")
      .split("\n")
      .filter((line) => line.includes(`:${port} `) && / 01 /.test(line));
  // The system tells it with the timer that runs: 02 is that of keep-alive.
  const kept = (line: string): boolean => /^\S+ \S+ \S+ 01 \S+ 02:/.test(line.trim());
  while (established().length < 2 || !established().every(kept)) {
    await new Promise((resolve) => env.yield(() => resolve(0)));
  }
});

test("the death of a process is heard of at once", soon, async (t) => {
  const { child, address } = await startListening(t);
  const recorder = new Recorder(await dial(t, address)).open();
  child.kill("SIGKILL");
  await recorder.until(() => recorder.ends > 0 || recorder.reason !== undefined);
  // Who goes on sending then learns that nobody is there.
  while (recorder.reason === undefined) {
    send(recorder.connection, numbered(1, 10));
    await new Promise((resolve) => env.yield(() => resolve(0)));
  }
  equal(recorder.reason?.kind, "lost");
});

test("who stands in the queue when the listener closes is still accepted", soon, async (t) => {
  const accepted: Connection[] = [];
  const listener = await listen(t, "tcp://127.0.0.1:0", keep(t, accepted));
  const port = portIn(listener.address.text);
  const waiting = Array.from({ length: 50 }, () => connect(port, "127.0.0.1"));
  for (const socket of waiting) t.after(() => socket.destroy());
  await listener.close();
  equal(accepted.length, 50);
  await rejects(dial(t, listener.address.text), { code: "UNAVAILABLE", executed: "no" });
});

/** The address of a process that accepts nothing any more, and whose queue is full. */
async function startSilent(t: TestContext): Promise<string> {
  const { child, address } = await startListening(
    t,
    `import { createServer } from "node:net";
    const server = createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
      console.log("tcp://127.0.0.1:" + server.address().port);
    });`,
  );
  child.kill("SIGSTOP");
  const port = portIn(address);
  // The system may take one more than it was told; the third one is not answered.
  for (let i = 0; i < 2; i++) {
    const socket = connect(port, "127.0.0.1");
    t.after(() => socket.destroy());
    await once(socket, "connect");
  }
  return address;
}

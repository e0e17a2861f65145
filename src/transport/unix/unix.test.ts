import { equal, match, ok, rejects } from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";

import { realEnv } from "../../base/real-env.ts";
import { parseAddress, socketPathBytesMax } from "../address.ts";
import { numbered, send } from "../suite/frames.ts";
import { Recorder } from "../suite/recorder.ts";
import type { Connection, Listener } from "../transport.ts";
import { unix } from "./index.ts";

const env = realEnv();
const transport = unix();
const soon = { timeout: 60_000 };

/** A folder of its own, removed after the test. */
function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function listen(
  t: TestContext,
  path: string,
  accept: (connection: Connection) => void = (connection) => connection.destroy("not wanted"),
): Promise<Listener> {
  const listener = await transport.listen(parseAddress(`unix:${path}`), accept, {}, env);
  t.after(() => listener.close());
  return listener;
}

function dial(path: string, forMs: number = 10_000): Promise<Connection> {
  return transport.dial(parseAddress(`unix:${path}`), { until: env.now() + forMs }, env);
}

/** Dials, and hangs up again. */
async function reaches(path: string): Promise<void> {
  const connection = await dial(path);
  connection.destroy("that was all");
}

/** Listens at the path that it is given as soon as it is told to, and says how that went. */
const program = `
  import { realEnv } from ${JSON.stringify(import.meta.resolve("../../base/real-env.ts"))};
  import { parseAddress } from ${JSON.stringify(import.meta.resolve("../address.ts"))};
  import { unix } from ${JSON.stringify(import.meta.resolve("./index.ts"))};
  const address = parseAddress("unix:" + process.argv[1]);
  const receiver = { frame() {}, drain() {}, ended() {}, closed() {} };
  console.log("ready");
  process.stdin.once("data", async () => {
    try {
      await unix().listen(address, (connection) => connection.open(receiver), {}, realEnv());
      console.log("listening");
    } catch (error) {
      console.log(error.message.replaceAll("\\n", " "));
    }
  });
`;

interface Program {
  readonly child: ChildProcess;
  /** Its next line: `ready`, then `listening` or the message of the error. */
  line(): Promise<string>;
}

/** Starts another process; it is ready to listen at the path. */
async function start(t: TestContext, path: string): Promise<Program> {
  const args = ["--input-type=module", "--eval", program, path];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => (await lines.next()).value as string;
  equal(await line(), "ready");
  return { child, line };
}

/** Another process that listens at the path. */
async function startListening(t: TestContext, path: string): Promise<Program> {
  const started = await start(t, path);
  started.child.stdin!.write("go");
  equal(await started.line(), "listening");
  return started;
}

async function kill({ child }: Program): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

function mode(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

test(
  "the socket file has mode 0600 in a folder of mode 0700, made with its parents",
  soon,
  async (t) => {
    const folder = folderOf(t);
    const path = join(folder, "run/orders/x.sock");
    await listen(t, path);
    equal(mode(path), "600");
    equal(mode(join(folder, "run/orders")), "700");
    equal(mode(join(folder, "run")), "700");
  },
);

test("a folder that is there keeps its mode", soon, async (t) => {
  const folder = join(folderOf(t), "open");
  mkdirSync(folder);
  chmodSync(folder, 0o777);
  await listen(t, join(folder, "x.sock"));
  equal(mode(folder), "777");
});

test("nothing is left in the folder after close", soon, async (t) => {
  const folder = folderOf(t);
  const listener = await listen(t, join(folder, "x.sock"));
  equal(readdirSync(folder).length, 2);
  await listener.close();
  equal(readdirSync(folder).length, 0);
});

test("nothing is left in the folder after a refused listen", soon, async (t) => {
  const folder = folderOf(t);
  const path = join(folder, "x.sock");
  writeFileSync(path, "precious");
  await rejects(listen(t, path));
  equal(readdirSync(folder).join(), "x.sock");
});

test("no folder and no socket file are told apart", soon, async (t) => {
  const folder = folderOf(t);
  await rejects(dial(join(folder, "x.sock")), {
    code: "UNAVAILABLE",
    message: /nobody listens there \(ENOENT; there is no socket file\)/,
  });
  await rejects(dial(join(folder, "run/x.sock")), {
    code: "UNAVAILABLE",
    message: /nobody listens there \(ENOENT; its folder .*\/run does not exist\)/,
  });
});

test(
  "the file of a killed process is named with its pid when dialled, and taken over when listened on",
  soon,
  async (t) => {
    const folder = folderOf(t);
    const path = join(folder, "orders.sock");
    const other = await startListening(t, path);
    const { pid } = other.child;
    await rejects(listen(t, path), {
      code: "UNAVAILABLE",
      executed: "no",
      message: new RegExp(
        `the address is in use: pid ${pid} listens there[^]*stop it, or choose another path`,
      ),
    });
    await reaches(path);
    await kill(other);
    await rejects(dial(path), {
      code: "UNAVAILABLE",
      executed: "no",
      message: new RegExp(
        `nobody listens there \\(ECONNREFUSED; the socket file is left over from pid ${pid}, which has ended\\)[^]*safe to try again`,
      ),
    });
    const listener = await listen(t, path);
    await reaches(path);
    equal(readdirSync(folder).length, 2, "the hidden name of the dead process is gone too");
    await listener.close();
    equal(readdirSync(folder).length, 0);
  },
);

test(
  "the death of the peer is told at once as a loss, without sending anything",
  soon,
  async (t) => {
    const path = join(folderOf(t), "x.sock");
    const other = await startListening(t, path);
    const recorder = new Recorder(await dial(path)).open();
    await kill(other);
    await recorder.until(() => recorder.reason !== undefined);
    equal(recorder.reason?.kind, "lost");
    equal(recorder.ends, 0);
  },
);

test("this process is named when it listens there itself", soon, async (t) => {
  const path = join(folderOf(t), "x.sock");
  await listen(t, path);
  await rejects(listen(t, path), { message: /the address is in use: this process listens there/ });
});

test("a left-over file whose owner cannot be told is taken over as well", soon, async (t) => {
  const folder = folderOf(t);
  const path = join(folder, "x.sock");
  await leaveSocket(path);
  await rejects(dial(path), { message: /ECONNREFUSED; the socket file is left over\)/ });
  await listen(t, path);
  await reaches(path);
});

test(
  "a hidden name that a dead process with the same pid has left is no obstacle",
  soon,
  async (t) => {
    const folder = folderOf(t);
    const path = join(folder, "x.sock");
    await leaveSocket(join(folder, `.x.sock.${process.pid}.sock`));
    linkSync(join(folder, `.x.sock.${process.pid}.sock`), path);
    await listen(t, path);
    await reaches(path);
  },
);

test("a lock whose holder has died is no obstacle", soon, async (t) => {
  const folder = folderOf(t);
  const path = join(folder, "x.sock");
  await leaveSocket(path);
  await leaveSocket(lockOf(path));
  await listen(t, path);
  await reaches(path);
  equal(readdirSync(folder).toSorted().join(), `.x.sock.${process.pid}.sock,x.sock`);
});

test("while another process that lives takes a file over, it is left to it", soon, async (t) => {
  const folder = folderOf(t);
  const path = join(folder, "x.sock");
  await leaveSocket(path);
  const holder = createServer().listen(lockOf(path));
  await once(holder, "listening");
  t.after(() => holder.close());
  await rejects(listen(t, path), { code: "UNAVAILABLE", message: /is just taking it over/ });
  ok(existsSync(path));
});

test(
  "of processes that start at once on a left-over file exactly one wins, and it is reached",
  soon,
  async (t) => {
    for (let round = 0; round < 3; round++) {
      const folder = folderOf(t);
      const path = join(folder, "x.sock");
      if (round > 0) await leaveSocket(path);
      const programs = await Promise.all(Array.from({ length: 3 }, () => start(t, path)));
      for (const { child } of programs) child.stdin!.write("go");
      const said = await Promise.all(programs.map((each) => each.line()));
      equal(said.filter((line) => line === "listening").length, 1, said.join("\n"));
      for (const line of said) if (line !== "listening") match(line, /the address is in use/);
      await reaches(path);
      await Promise.all(programs.map(kill));
    }
  },
);

test("of listeners that start at once in one process exactly one wins", soon, async (t) => {
  const path = join(folderOf(t), "x.sock");
  await leaveSocket(path);
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => listen(t, path)));
  equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  await reaches(path);
});

test("a file that is no socket is never touched", soon, async (t) => {
  const folder = folderOf(t);
  const path = join(folder, "x.sock");
  writeFileSync(path, "precious");
  const refused = {
    code: "INVALID_ARGUMENT",
    executed: "no",
    message: /there is another file in the place of the socket[^]*choose another path/,
  };
  await rejects(listen(t, path), refused);
  await rejects(dial(path), refused);
  equal(readFileSync(path, "utf8"), "precious");
});

test("a folder, and a link that leads nowhere, are never touched", soon, async (t) => {
  const folder = folderOf(t);
  mkdirSync(join(folder, "a.sock"));
  symlinkSync("nowhere", join(folder, "b.sock"));
  await rejects(listen(t, join(folder, "a.sock")), {
    code: "INVALID_ARGUMENT",
    message: /a folder/,
  });
  await rejects(listen(t, join(folder, "b.sock")), {
    code: "INVALID_ARGUMENT",
    message: /a symbolic link/,
  });
  ok(lstatSync(join(folder, "b.sock")).isSymbolicLink());
});

test("closing removes the path only while it is still ours", soon, async (t) => {
  const folder = folderOf(t);
  const path = join(folder, "x.sock");
  const first = await listen(t, path);
  unlinkSync(path);
  writeFileSync(path, "somebody else's");
  await first.close();
  equal(readFileSync(path, "utf8"), "somebody else's");
});

test("a path that somebody has removed can be listened on by another process", soon, async (t) => {
  const folder = folderOf(t);
  const path = join(folder, "x.sock");
  const first = await listen(t, path);
  unlinkSync(path);
  await startListening(t, path);
  await first.close();
  await reaches(path);
});

test("a renamed socket is still reached under its new name", soon, async (t) => {
  const folder = folderOf(t);
  await listen(t, join(folder, "x.sock"));
  renameSync(join(folder, "x.sock"), join(folder, "y.sock"));
  await reaches(join(folder, "y.sock"));
});

test(
  "without permission the refusal tells whose file it is and which mode it has",
  soon,
  async (t) => {
    const folder = folderOf(t);
    const path = join(folder, "x.sock");
    await listen(t, path);
    chmodSync(path, 0o000);
    chmodSync(folder, 0o755);
    await asAnotherUser(async () => {
      await rejects(dial(path), {
        code: "PERMISSION_DENIED",
        executed: "no",
        message:
          /not allowed \(EACCES\): .*x\.sock belongs to uid \d+ and has mode 0000, this process runs as uid \d+/,
      });
    });
  },
);

test("a folder that may not be written to is told with its owner and mode", soon, async (t) => {
  const folder = folderOf(t);
  chmodSync(folder, 0o555);
  await asAnotherUser(async () => {
    for (const path of [join(folder, "x.sock"), join(folder, "run/x.sock")]) {
      await rejects(listen(t, path), {
        code: "PERMISSION_DENIED",
        executed: "no",
        message: /not allowed \(EACCES\): .*trunkline-\w+ belongs to uid \d+ and has mode 0555/,
      });
    }
  });
  chmodSync(folder, 0o755);
});

test("a part of the path that is no folder is told", soon, async (t) => {
  const folder = folderOf(t);
  writeFileSync(join(folder, "file"), "");
  const refused = { code: "INVALID_ARGUMENT", message: /a part of the path is not a folder/ };
  await rejects(dial(join(folder, "file/x.sock")), refused);
  await rejects(listen(t, join(folder, "file/x.sock")), refused);
});

test(
  "a path whose hidden name would be too long is refused with the length it may have",
  soon,
  async (t) => {
    const folder = folderOf(t);
    const path = join(folder, "x".repeat(socketPathBytesMax - folder.length - 1));
    const longer = `...sock${process.pid}`.length;
    await rejects(listen(t, path), {
      code: "INVALID_ARGUMENT",
      message: new RegExp(`is 107 bytes long; to listen it may have ${107 - longer}, because`),
    });
    await listen(t, path.slice(0, -longer));
    await reaches(path.slice(0, -longer));
  },
);

test(
  "a listener whose queue is full is waited for until the time is over, then told",
  soon,
  async (t) => {
    const path = join(folderOf(t), "x.sock");
    const other = await startListening(t, path);
    other.child.kill("SIGSTOP");
    const dialled: Connection[] = [];
    t.after(() => dialled.forEach((connection) => connection.destroy("the test is over")));
    await rejects(
      async () => {
        for (;;) dialled.push(await dial(path, 1_000));
      },
      {
        code: "UNAVAILABLE",
        executed: "no",
        message:
          /accepts no connection in time \(EAGAIN\): its queue is full[^]*overloaded, or stopped/,
      },
    );
    const waiting = dial(path);
    other.child.kill("SIGCONT");
    dialled.push(await waiting);
  },
);

test(
  "a frame that was sent before the peer ended arrives although the peer is gone by then",
  soon,
  async (t) => {
    const path = join(folderOf(t), "x.sock");
    await listen(t, path, (connection) => {
      new Recorder(connection).open();
      send(connection, numbered(1, 1_000));
      connection.end();
    });
    const recorder = new Recorder(await dial(path)).open();
    await recorder.until(() => recorder.ends === 1);
    ok(recorder.frames[0]!.equals(numbered(1, 1_000)));
    recorder.connection.end();
    await recorder.until(() => recorder.reason !== undefined);
    equal(recorder.reason?.kind, "done");
  },
);

/** Where the one is named who takes the left-over file over. */
function lockOf(path: string): string {
  return join(dirname(path), `.${statSync(path).ino.toString(36)}.lock`);
}

/** A socket file to which nobody listens: closing a server removes its path, but not a second name. */
async function leaveSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}.bound`);
  await once(server, "listening");
  linkSync(`${path}.bound`, path);
  server.close();
  await once(server, "close");
}

/** Root may do everything: then the work is done as nobody. */
async function asAnotherUser(work: () => Promise<void>): Promise<void> {
  const root = process.geteuid!() === 0;
  if (root) process.seteuid!(65_534);
  try {
    await work();
  } finally {
    if (root) process.seteuid!(0);
  }
}

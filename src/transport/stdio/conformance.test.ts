import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import type { Env } from "../../base/env.ts";
import { realEnv } from "../../base/real-env.ts";
import { transportCases } from "../suite.ts";
import type { Transport } from "../transport.ts";
import { stdio } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
after(() => rmSync(folder, { recursive: true }));

/**
 * The child that is dialled. It hands on what it reads to the pipe $1, and what comes by the pipe $2 to its stdout, so that
 * the other side can be in this process as well.
 */
const relay = `
  exec 3<&0 4>"$1" 5<"$2" 0</dev/null
  echo ready >&2
  cat <&3 >&4 3<&- 4>&- 5<&- &
  cat <&5 3<&- 4>&- 5<&- &
  exec 1>&- 3<&- 4>&- 5<&-
  wait`;

let relays = 0;

/** Dials a relay; listens on the pipes that lead to it. */
function relayed(): Transport {
  const there = join(folder, `${++relays}-there`);
  const back = join(folder, `${relays}-back`);
  const ready = Promise.withResolvers<void>();
  const args = ["-c", relay, "relay", there, back];
  const dialled = stdio({ command: "sh", args, stderr: () => ready.resolve() });
  // Held until the relay has opened them: a pipe whose other end nobody holds is at its end.
  let held: number[] = [];
  return {
    ...dialled,
    // Over plain pipes, and through a relay, the death of one side is to the other its end.
    capabilities: { ...dialled.capabilities, noticesDeath: false },
    async dial(address, options, env) {
      const connection = await dialled.dial(address, options, env);
      await ready.promise;
      for (const fd of held.splice(0)) closeSync(fd);
      return connection;
    },
    listen(address, accept, options, env) {
      let fds = usedUp;
      if (fds === undefined) {
        execFileSync("sh", ["-c", 'mkfifo "$@"', "sh", there, back]);
        held = [openSync(there, "r+"), openSync(back, "r+")];
        fds = [openSync(there, constants.O_RDONLY | constants.O_NONBLOCK), openSync(back, "w")];
        usedUp = fds;
      }
      return stdio({ fds }).listen(address, accept, options, env);
    },
  };
}

/** The descriptors of the case that is running, once somebody has listened there. */
let usedUp: [number, number] | undefined;
/** How often the case has asked for the handles. */
let asked = 0;

/** When a case is over and waits for its handles to go, a turn takes longer: a process ends more slowly than a socket. */
function patient(): Env {
  const env = realEnv();
  const later = (work: () => void): void => void setTimeout(work, 10);
  return Object.create(env, {
    yield: { value: (work: () => void) => (asked > 1 ? later(work) : env.yield(work)) },
  }) as Env;
}

const cases = transportCases({
  make: () => {
    usedUp = undefined;
    asked = 0;
    return relayed();
  },
  address: () => "stdio:",
  env: patient,
  handles: () => {
    asked++;
    return process
      .getActiveResourcesInfo()
      .filter((name) => name === "ProcessWrap" || name.startsWith("Pipe")).length;
  },
});

for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);

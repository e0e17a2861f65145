import { equal, ok } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realEnv } from "../src/base/real-env.ts";
import { routesOf } from "../src/protocol/rest/binding/routes.ts";
import { rest as overRest } from "../src/protocol/rest/index.ts";
import type { Server } from "../src/protocol/protocol.ts";
import { parseAddress } from "../src/transport/address.ts";
import { unix } from "../src/transport/unix/index.ts";
import { httpRequest } from "./http-requests.ts";
import { dispatcher, operations } from "./service.ts";
import type { Input, Target } from "./target.ts";

/**
 * A REST server, fed with bytes over a real socket. Whatever comes is answered with a status that is the caller's fault, or cut
 * off; 500 is only for the handler that fails on purpose. Afterwards nothing is under way, and others are served.
 */
export const rest: Target = { name: "rest", batch: 10, run };

/** A peer that has no answer after this long does not wait for one, in milliseconds: some operations never give one. */
const patienceMs = 30;
/** What is left of a connection that has gone is gone after this long, in milliseconds. */
const releasedWithinMs = 10_000;

const routes = routesOf(operations[0]!.owner.shape, { routes: { mirror: false, back: false } });
const env = realEnv();

async function run(input: Input): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "fuzz-"));
  const path = join(folder, "rest.sock");
  const protocol = overRest({ except: ["fuzzed.mirror"] }).over(unix());
  const server = await protocol.serve(
    parseAddress(`http+unix:${path}`),
    dispatcher(env),
    { itemBytesMax: 64 * 1024 },
    env,
  );
  try {
    const { pieces, member, whole } = httpRequest(input, routes);
    input.note(`${member}${whole ? ", whole" : ""}`);
    for (const piece of pieces) input.note("bytes", piece);
    const answer = await answerTo(path, pieces);
    look(answer, member, whole);
    await released(server);
    equal(await healthy(path), 200);
  } finally {
    await server.drain(0);
    rmSync(folder, { recursive: true });
  }
}

/** Everything that the server says until it hangs up, or the peer loses patience. */
async function answerTo(path: string, pieces: readonly Buffer[]): Promise<string> {
  const socket = connect(path);
  const got: Buffer[] = [];
  socket.on("data", (bytes) => void got.push(bytes)).on("error", () => {});
  const over = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  for (const piece of pieces) {
    if (socket.destroyed) break;
    await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
  }
  await Promise.race([over, quiet(socket)]);
  socket.destroy();
  await over;
  return Buffer.concat(got).toString("latin1");
}

/** Resolves when nothing has come for a while, or all too much: some streams never end. */
function quiet(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, patienceMs);
    const whole = setTimeout(resolve, patienceMs * 4);
    socket.on("data", () => timer.refresh());
    socket.once("close", () => {
      clearTimeout(timer);
      clearTimeout(whole);
    });
  });
}

/** Statuses that nobody may be told whatever he sends, but by the handler that fails. */
function look(answer: string, member: string, whole: boolean): void {
  const statuses = [...answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) =>
    Number(status),
  );
  for (const status of statuses) {
    const mayFail = member === "fail" || answer.includes("fuzzed.fail");
    ok(
      status < 500 || [501, 503, 504, 505].includes(status) || (mayFail && status === 500),
      `status ${status}`,
    );
  }
  if (whole && !["stuck", "ticks"].includes(member))
    ok(statuses.length > 0, "a whole request has no answer");
  for (const [, body] of answer.matchAll(
    /application\/problem\+json[^]*?\r\n\r\n(\{[^\r\n]*\})/g,
  )) {
    const problem = JSON.parse(body!) as Record<string, unknown>;
    ok(typeof problem["code"] === "string" && typeof problem["status"] === "number", body);
    ok(["no", "maybe", "yes"].includes(problem["executed"] as string), body);
  }
  equal(({} as Record<string, unknown>)["polluted"], undefined);
}

async function released(server: Server): Promise<void> {
  const until = performance.now() + releasedWithinMs;
  while (server.inFlight > 0 || server.connections > 0) {
    ok(
      performance.now() < until,
      `${server.inFlight} requests, ${server.connections} connections stay`,
    );
    await new Promise((resolve) => void setTimeout(resolve, 1));
  }
}

function healthy(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const asking = request(
      { socketPath: path, method: "POST", path: "/fuzzed/echo", headers, agent: false },
      (answer) => {
        answer.resume().on("end", () => resolve(answer.statusCode!));
      },
    );
    asking.on("error", reject).end('"there?"');
  });
}

import { equal, ok } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realEnv } from "../src/base/real-env.ts";
import { routesOf } from "../src/protocol/rest/binding/routes.ts";
import { rest as overRest } from "../src/protocol/rest/index.ts";
import { parseAddress } from "../src/transport/address.ts";
import { unix } from "../src/transport/unix/index.ts";
import { answerTo, released } from "./http-peer.ts";
import { httpRequest } from "./http-requests.ts";
import { dispatcher, operations } from "./service.ts";
import type { Input, Target } from "./target.ts";

/**
 * A REST server, fed with bytes over a real socket. Whatever comes is answered with a status that is the caller's fault, or cut
 * off; 500 is only for the handler that fails on purpose. Afterwards nothing is under way, and others are served.
 */
export const rest: Target = { name: "rest", batch: 10, run };

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

import { deepEqual, equal } from "node:assert/strict";
import { once } from "node:events";
import { connect, type ClientHttp2Session } from "node:http2";
import { test, type TestContext } from "node:test";
import { served } from "./testing/http-scene.ts";

const soon = { timeout: 30_000 };

test("a peer that keeps asking for a sign of life is told to calm down", soon, async (t) => {
  const session = await connected(t);
  session.on("error", () => {});
  const told = new Promise<unknown[]>((resolve) =>
    session.on("goaway", (...goaway: unknown[]) => resolve(goaway)),
  );
  const closed = new Promise<void>((resolve) => session.on("close", resolve));
  for (let pings = 0; pings < 20 && !session.destroyed; pings++)
    await pinged(session).catch(() => {});
  const [code, , words] = await told;
  deepEqual([code, String(words)], [11, "too_many_pings"]);
  await closed;
});

test("one that is sent something meanwhile may ask as often as it likes", soon, async (t) => {
  const session = await connected(t);
  for (let rounds = 0; rounds < 40; rounds++) {
    const stream = session.request({ ":path": "/" });
    await Promise.all([once(stream.resume(), "end"), pinged(session)]);
  }
  equal(session.destroyed, false);
});

test("settings of the protocol's own reach the peer", soon, async (t) => {
  const session = await connected(t, { 0xf5_a1: 77 });
  deepEqual({ ...session.remoteSettings.customSettings }, { 0xf5_a1: 77 });
});

async function connected(
  t: TestContext,
  settings: Record<number, number> = {},
): Promise<ClientHttp2Session> {
  const request = (): never => {
    throw new Error("HTTP/1.1 is not asked");
  };
  const { origin } = await served(
    t,
    {
      request,
      stream: (stream) => {
        stream.respond({ ":status": 200 });
        stream.end("x".repeat(200));
      },
    },
    { pingMsMin: 60_000, settings },
  );
  const session = connect(origin, { remoteCustomSettings: [0xf5_a1], maxOutstandingPings: 100 });
  t.after(() => session.destroy());
  await once(session, "remoteSettings");
  return session;
}

function pinged(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) =>
    session.ping((error) => (error === null ? resolve() : reject(error))),
  );
}

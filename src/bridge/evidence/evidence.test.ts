import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { suite, test } from "node:test";

import { sleep } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { makeClient } from "../../call/client.ts";
import { serve, Services } from "../../call/serve.ts";
import { rsocket } from "../../protocol/rsocket/index.ts";
import type { Protocol, Server } from "../../protocol/protocol.ts";
import type { EndpointEvidence } from "../../resilience/evidence.ts";
import { parseAddress } from "../../transport/address.ts";
import { memory, MemoryNames } from "../../transport/memory/memory.ts";
import { opinionTtlMs, probeAfterMs, probeLeaseMs } from "./bounds.ts";
import { SharedEvidence, type ExchangeClient } from "./client.ts";
import { EvidenceExchange, type Opinion } from "./contract.ts";
import { ExchangeBoard } from "./exchange-board.ts";
import { ExchangeServer } from "./server.ts";
import { endpointKey, verdicts } from "./verdicts.ts";

const name = { service: "orders", endpoint: "i-1" };
const from = (host: string, process: string = "p") => ({ host, process });
const saw = (failures: number) => ({ ...name, failures });

suite("verdicts", () => {
  const opinion = (host: string, failures: number, leftMs: number): Opinion => ({
    ...saw(failures),
    host,
    leftMs,
  });
  const key = endpointKey("orders", "i-1");
  const rows: readonly [string, readonly Opinion[], number, number][] = [
    ["nobody says anything", [], 0, 0],
    ["one host is no quorum", [opinion("a", 50, 9_000)], 0, 0],
    [
      "two processes of one host are one witness",
      [opinion("a", 9, 9_000), opinion("a", 9, 9_000)],
      0,
      0,
    ],
    [
      "two hosts with three failures each make it suspect",
      [opinion("a", 3, 9_000), opinion("b", 4, 5_000)],
      5_000,
      0,
    ],
    [
      "and do not while one of them has seen two",
      [opinion("a", 3, 9_000), opinion("b", 2, 5_000)],
      0,
      0,
    ],
    [
      "two with five each shut it, as long as both say so",
      [opinion("a", 5, 2_000), opinion("b", 7, 5_000)],
      2_000,
      2_000,
    ],
    [
      "a third one keeps it shut for longer",
      [opinion("a", 5, 2_000), opinion("b", 7, 5_000), opinion("c", 5, 4_000)],
      4_000,
      4_000,
    ],
    [
      "a host holds as long as its last process does",
      [opinion("a", 5, 2_000), opinion("a", 5, 6_000), opinion("b", 7, 5_000)],
      5_000,
      5_000,
    ],
  ];
  for (const [title, opinions, suspectMs, shutMs] of rows)
    test(title, () => {
      const verdict = verdicts(opinions, 2, 100).get(key);
      const until = (ms: number): number => (ms === 0 ? 0 : 100 + ms);
      deepEqual(
        [verdict?.suspectUntil ?? 0, verdict?.shutUntil ?? 0],
        [until(suspectMs), until(shutMs)],
      );
    });
});

suite("the board of the exchange", () => {
  test("an opinion holds for its time, and for it again when it is repeated", () => {
    const board = new ExchangeBoard();
    equal(board.report(from("a"), saw(5), 0), true);
    equal(board.opinions(opinionTtlMs - 1).length, 1);
    equal(board.opinions(opinionTtlMs).length, 0);
    board.report(from("a"), saw(6), 5_000);
    deepEqual(board.opinions(opinionTtlMs), [{ ...saw(6), host: "a", leftMs: 5_000 }]);
    board.advance(5_000 + opinionTtlMs);
    equal(board.size, 0);
  });

  test("whoever got an answer takes back what it said, and not what others said", () => {
    const board = new ExchangeBoard();
    board.report(from("a"), saw(5), 0);
    board.report(from("b"), saw(5), 0);
    board.report(from("a"), saw(0), 100);
    deepEqual(
      board.opinions(100).map(({ host }) => host),
      ["b"],
    );
    equal(board.report(from("c"), saw(0), 100), false);
  });

  test("one process may try it, some time after the last failure; an answer frees it for all", () => {
    const board = new ExchangeBoard();
    board.report(from("a"), saw(5), 0);
    board.report(from("b"), saw(5), 100);
    equal(board.probe(from("c"), name, probeAfterMs + 99), 0);
    equal(board.probe(from("c"), name, probeAfterMs + 100), probeLeaseMs);
    equal(board.probe(from("a"), name, probeAfterMs + 100), 0);
    equal(board.report(from("c"), saw(0), probeAfterMs + 200), true);
    deepEqual(board.opinions(probeAfterMs + 200), []);
    equal(board.size, 0);
  });

  test("while trying fails everything said goes on holding, but not for ever", () => {
    const board = new ExchangeBoard();
    board.report(from("a"), saw(5), 0);
    board.report(from("b"), saw(5), 0);
    let now = 0;
    while (board.opinions(now).filter(({ host }) => host !== "c").length > 0) {
      now += probeAfterMs;
      if (board.probe(from("c"), name, now) > 0) board.report(from("c"), saw(1), now);
    }
    ok(now >= 300_000 && now <= 300_000 + opinionTtlMs + probeAfterMs, `until ${now}`);
  });

  test("who may try it and is not heard again makes room for the next", () => {
    const board = new ExchangeBoard();
    board.report(from("a"), saw(5), 0);
    equal(board.probe(from("b"), name, 2_000), probeLeaseMs);
    equal(board.probe(from("c"), name, 2_000 + probeLeaseMs - 1), 0);
    equal(board.probe(from("c"), name, 2_000 + probeLeaseMs), probeLeaseMs);
    equal(board.probe(from("a"), { ...name, endpoint: "unknown" }, 2_000), 0);
  });

  test("liars fill no memory: endpoints, processes and opinions have bounds", () => {
    const board = new ExchangeBoard();
    for (let index = 0; index < 20_000; index++)
      board.report(from("liar"), { service: "s", endpoint: `e${index}`, failures: 9 }, 0);
    ok(board.size <= 10_000);
    const other = new ExchangeBoard();
    for (let index = 0; index < 20_000; index++) other.report(from(`h${index}`), saw(9), 0);
    ok(other.size <= 256);
  });
});

class Lab {
  readonly env: Env = new VirtualEnv();
  readonly #protocol: Protocol = rsocket(memory(new MemoryNames()));
  #running: { readonly exchange: ExchangeServer; readonly server: Server } | undefined;
  readonly #opened: SharedEvidence[] = [];

  async start(): Promise<void> {
    const exchange = new ExchangeServer(this.env);
    const services = [serve(EvidenceExchange, exchange.handlers)];
    const dispatcher = new Services(services, { interceptors: [], checkSent: true }, this.env);
    const address = parseAddress("memory:exchange");
    const server = await this.#protocol.serve(address, dispatcher, {}, this.env);
    this.#running = { exchange, server };
  }

  async stop(): Promise<void> {
    const { exchange, server } = this.#running!;
    exchange.close();
    await server.drain(0);
  }

  /** A process on its own host, and until when it was made suspicious. */
  process(host: string, global: boolean): { readonly of: EndpointEvidence; suspectUntil: number } {
    const open = (): ExchangeClient => {
      const caller = this.#protocol.connect(parseAddress("memory:exchange"), {}, this.env);
      const terms = { env: this.env, deadlineMs: 10_000, checkSent: true, chain: undefined };
      return makeClient(EvidenceExchange, { ...terms, caller }, () => caller.close());
    };
    const terms = { host, process: host, global };
    const shared = new SharedEvidence([{ address: "memory:exchange", open }], terms, this.env);
    this.#opened.push(shared);
    const of = shared.join("orders", "i-1", (until) => (heard.suspectUntil = until));
    const heard = { of, suspectUntil: 0 };
    return heard;
  }

  async close(): Promise<void> {
    for (const each of this.#opened) await each.close();
    await this.stop();
    equal(this.env.alarms, 0, "alarms stay set");
  }
}

suite("evidence that is shared", () => {
  test("two hosts of four see it fail: all are suspicious within a second, and no one is shut", async () => {
    const lab = new Lab();
    await lab.start();
    const all = ["a", "b", "c", "d"].map((host) => lab.process(host, false));
    await sleep(lab.env, 100);
    const now = lab.env.now();
    for (const each of all.slice(0, 2)) each.of.saw(5, now);
    await sleep(lab.env, 1_000);
    for (const each of all) {
      ok(each.suspectUntil > now + 9_000, "not suspicious");
      equal(each.of.shut(lab.env.now()), false);
    }
    await lab.close();
  });

  test("where it was asked for, two of four hosts shut it for all within a second; one alone does not", async () => {
    const lab = new Lab();
    await lab.start();
    const all = ["a", "b", "c", "d"].map((host) => lab.process(host, true));
    const shut = (): boolean[] => all.map((each) => each.of.shut(lab.env.now()));
    await sleep(lab.env, 100);
    all[0]!.of.saw(5, lab.env.now());
    await sleep(lab.env, 1_000);
    deepEqual(shut(), [false, false, false, false]);
    all[1]!.of.saw(5, lab.env.now());
    await sleep(lab.env, 1_000);
    deepEqual(shut(), [true, true, true, true]);
    await lab.close();
  });

  test("it is tried by one process at a time; when it answers all are free at once", async () => {
    const lab = new Lab();
    await lab.start();
    const all = ["a", "b", "c", "d"].map((host) => lab.process(host, true));
    await sleep(lab.env, 100);
    for (const each of all.slice(0, 2)) each.of.saw(5, lab.env.now());
    await sleep(lab.env, 500);
    const tries = async (): Promise<EndpointEvidence> => {
      for (;;) {
        const now = lab.env.now();
        const may = all.filter((each) => !each.of.shut(now));
        ok(may.length <= 1, "two try at once, or it was free before anybody tried");
        if (may.length === 1) {
          may[0]!.of.begins(now);
          return may[0]!.of;
        }
        await sleep(lab.env, 20);
      }
    };
    // It fails the first time: it stays shut beyond the ten seconds of the first observations.
    for (let round = 0; round < 6; round++) (await tries()).saw(1, lab.env.now());
    ok(lab.env.now() > opinionTtlMs);
    (await tries()).saw(0, lab.env.now());
    await sleep(lab.env, 1_000);
    deepEqual(
      all.map((each) => each.of.shut(lab.env.now())),
      [false, false, false, false],
    );
    await lab.close();
  });

  test("what nobody repeats is over by itself", async () => {
    const lab = new Lab();
    await lab.start();
    const all = ["a", "b", "c"].map((host) => lab.process(host, true));
    await sleep(lab.env, 100);
    for (const each of all.slice(0, 2)) each.of.saw(5, lab.env.now());
    await sleep(lab.env, 1_000);
    equal(all[2]!.of.shut(lab.env.now()), true);
    await sleep(lab.env, opinionTtlMs);
    equal(all[2]!.of.shut(lab.env.now()), false);
    await lab.close();
  });

  test("without the exchange each is alone, and together again when it is back", async () => {
    const lab = new Lab();
    await lab.start();
    const all = ["a", "b", "c"].map((host) => lab.process(host, true));
    const seen = (): void => {
      for (const each of all.slice(0, 2)) each.of.saw(5, lab.env.now());
    };
    await sleep(lab.env, 100);
    seen();
    await sleep(lab.env, 500);
    equal(all[2]!.of.shut(lab.env.now()), true);
    await lab.stop();
    await sleep(lab.env, 500);
    equal(all[2]!.of.shut(lab.env.now()), false);
    await lab.start();
    await sleep(lab.env, 10_000);
    seen();
    await sleep(lab.env, 1_000);
    equal(all[2]!.of.shut(lab.env.now()), true);
    await lab.close();
  });

  test("a report that did not arrive is made again with the next failure", async () => {
    const lab = new Lab();
    const all = ["a", "b", "c"].map((host) => lab.process(host, true));
    for (const each of all.slice(0, 2)) each.of.saw(5, lab.env.now());
    await sleep(lab.env, 5_000);
    await lab.start();
    await sleep(lab.env, 6_000);
    for (const each of all.slice(0, 2)) each.of.saw(6, lab.env.now());
    await sleep(lab.env, 1_000);
    equal(all[2]!.of.shut(lab.env.now()), true);
    await lab.close();
  });

  test("a quorum of one is refused: a fault of one host would open all", () => {
    const terms = { host: "a", process: "a", quorum: 1 };
    throws(() => new SharedEvidence([], terms, new VirtualEnv()), { code: "INVALID_ARGUMENT" });
  });
});

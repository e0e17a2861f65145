import { deepEqual, equal, notEqual, ok } from "node:assert/strict";

import type { TrunklineError } from "../../base/error.ts";
import type { OperationName } from "../../base/handler.ts";
import type { Peer } from "../../base/peer.ts";
import {
  call,
  contract,
  duplex,
  notification,
  stream,
  upload,
  type CallOperation,
  type Contract,
  type NotificationOperation,
  type Schema,
  type StreamOperation,
} from "../../contract/index.ts";
import type { NoErrors } from "../../contract/operation.ts";
import type { Authorize } from "../authorization.ts";
import type { Handlers } from "../handlers-type.ts";
import { serve } from "../serve.ts";
import { currentTrace } from "../served-context.ts";
import type { Case } from "./case.ts";
import { Chain, Front } from "./chain.ts";
import { Ear } from "./ear.ts";
import { any, Counting, number } from "./schemas.ts";
import { failureOf, fails, take, type Stage } from "./stage.ts";
import { Supplier } from "./supplier.ts";

type Number = Schema<number>;
type Vault = Contract<
  "vault",
  {
    read: CallOperation<Number, Number, NoErrors>;
    watch: StreamOperation<Number, Number, NoErrors>;
    tell: NotificationOperation<Number>;
    keyed: CallOperation<Schema<{ id: string; step: number }>, Number, NoErrors>;
  }
>;

/** Something to guard: it counts how often an input was looked at, and how often a handler began. */
class Guarded {
  readonly input: Counting = new Counting();
  readonly contract: Vault = contract(
    "vault",
    { version: "1.2.0" },
    {
      read: call({ in: this.input.schema, out: number }),
      watch: stream({ in: this.input.schema, out: number }),
      tell: notification({ in: this.input.schema }),
      keyed: call({ in: any<{ id: string; step: number }>(), out: number, key: "id" }),
    },
  );
  ran = 0;
  readonly handlers: Handlers<Vault> = {
    read: (input) => this.#run(input),
    watch: (input) => [this.#run(input)],
    tell: (input) => void this.#run(input),
    keyed: ({ step }) => this.#run(step),
  };

  #run(input: number): number {
    this.ran++;
    return input;
  }

  /** A client that sends whatever it is given. */
  async guard(stage: Stage, authorize: Authorize) {
    return stage.pair(this.contract, this.handlers, { authorize }, { checkSent: false });
  }
}

/** The ways to give an answer. */
const ways: readonly ((answer: unknown) => Authorize)[] = [
  (answer) => () => answer as boolean,
  (answer) => async () => answer as boolean,
];

export const authorizationCases: readonly Case[] = [
  {
    name: "who may not use an operation is refused before anything of its input is looked at, whatever the kind",
    play: (stage) =>
      Ear.listen(async (ear) => {
        const guarded = new Guarded();
        for (const [index, way] of ways.entries()) {
          const place = `way ${index}`;
          const { contract: vault, handlers } = guarded;
          await stage.serve({ contract: vault, handlers }, { authorize: way(false) }, place);
          const client = await stage.connect(vault, { checkSent: false }, place);
          for (const input of [1, "no number"] as number[]) {
            const refusals = [
              await fails(client.read(input), "PERMISSION_DENIED", "no"),
              ...(stage.streams
                ? [await fails(client.watch(input).next(), "PERMISSION_DENIED", "no")]
                : []),
              await fails(client.keyed({ id: "a", step: input }), "PERMISSION_DENIED", "no"),
            ];
            await client.tell(input);
            for (const { declared, reason, advice, id } of refusals) {
              ok(/ may not use vault\.(read|watch|keyed)$/.test(reason), reason);
              ok(advice?.includes("authorize"));
              deepEqual([declared, id], [false, undefined]);
            }
          }
        }
        const refusals = stage.streams ? 16 : 12;
        await stage.until(() => ear.refusals.length === refusals, "every refusal is told");
        for (const { operation, code, reason } of ear.refusals) {
          equal(code, "PERMISSION_DENIED");
          ok(reason.endsWith(` may not use ${operation}`), reason);
        }
        deepEqual([guarded.ran, guarded.input.runs, stage.incidents.length], [0, 0, 0]);
      }),
  },
  {
    name: "of who may not send, no item is taken: neither it nor its head is looked at",
    when: ({ kinds }) => kinds.includes("upload") && kinds.includes("duplex"),
    play: (stage) =>
      Ear.listen(async (ear) => {
        const head = new Counting();
        const Depot = contract(
          "depot",
          { version: "1.0.0" },
          {
            store: upload({ head: head.schema, in: number, out: number }),
            chat: duplex({ head: head.schema, in: number, out: number }),
          },
        );
        let ran = 0;
        const handlers = { store: () => ran++, chat: () => [ran++] };
        for (const [index, way] of ways.entries()) {
          const place = `way ${index}`;
          const service = serve(Depot, handlers);
          await stage.serve(service, { authorize: way(false) }, place);
          const client = await stage.connect(Depot, { checkSent: false }, place);
          for (const given of [1, "no number"] as number[]) {
            const supplier = new Supplier();
            const sent = client.store(supplier.items(1_000), { head: given });
            await fails(sent, "PERMISSION_DENIED", "no");
            const chat = client.chat(supplier.items(1_000), { head: given });
            await fails(chat.next(), "PERMISSION_DENIED", "no");
            equal(supplier.given, 0);
          }
        }
        equal(ear.refusals.length, 8);
        deepEqual([ran, head.runs, stage.incidents.length], [0, 0, 0]);
      }),
  },
  {
    name: "who may use an operation is served as if nobody had been asked, each request being asked for once",
    play: async (stage) => {
      for (const [index, way] of ways.entries()) {
        const guarded = new Guarded();
        const asked: string[] = [];
        const authorize: Authorize = (peer, operation) => {
          asked.push(operation.name);
          return way(true)(peer, operation);
        };
        const { contract: vault, handlers } = guarded;
        await stage.serve({ contract: vault, handlers }, { authorize }, `way ${index}`);
        const client = await stage.connect(vault, { checkSent: false }, `way ${index}`);
        equal(await client.read(1), 2);
        if (stage.streams) deepEqual(await take(client.watch(1)), [2]);
        equal(await client.keyed({ id: "a", step: 7 }), 7);
        await client.tell(1);
        const all = ["vault.read", "vault.watch", "vault.keyed", "vault.tell"];
        const names = stage.streams ? all : all.filter((name) => name !== "vault.watch");
        await stage.until(() => guarded.ran === names.length, "the notification has arrived");
        await fails(client.read("no number" as unknown as number), "INVALID_ARGUMENT", "no");
        deepEqual(asked, [...names, "vault.read"]);
      }
    },
  },
  {
    name: "who is asked whether a peer may gets the peer that the handler sees, the same for the whole connection",
    when: ({ kinds }) => kinds.includes("stream"),
    play: async (stage) => {
      const asked: { readonly peer: Peer; readonly operation: OperationName }[] = [];
      const seen: Peer[] = [];
      const { client } = await stage.pair(
        Front,
        {
          ask: (input, { peer }) => {
            seen.push(peer);
            return input;
          },
          watch: () => [],
          tell: () => {},
        },
        { authorize: (peer, operation) => asked.push({ peer, operation }) > 0 },
      );
      await client.ask("a");
      await take(client.watch("a"));
      const [first, second] = asked;
      equal(first!.peer, seen[0]);
      equal(second!.peer, first!.peer);
      const { name, kind, contract: owner, version } = second!.operation;
      deepEqual([name, kind, owner, version], ["front.watch", "stream", "front", "1.0.0"]);
    },
  },
  {
    name: "when it cannot be found out whether a peer may, it may not: that is an incident, of which it is told nothing",
    play: async (stage) => {
      const secret = new Error("the password is hunter2");
      const wrong: readonly Authorize[] = [
        () => {
          throw secret;
        },
        async () => {
          throw secret;
        },
        ...[undefined, null, 1, "true", {}].flatMap((answer) => ways.map((way) => way(answer))),
      ];
      const guarded = new Guarded();
      let next: Authorize = () => true;
      const { client } = await guarded.guard(stage, (peer, operation) => next(peer, operation));
      for (const authorize of wrong) {
        next = authorize;
        const before = stage.incidents.length;
        const errors: TrunklineError[] = [
          await fails(client.read(1), "INTERNAL", "no"),
          ...(stage.streams ? [await fails(client.watch(1).next(), "INTERNAL", "no")] : []),
          await fails(client.keyed({ id: "a", step: 1 }), "INTERNAL", "no"),
        ];
        await client.tell(1);
        const reported = before + errors.length + 1;
        await stage.until(() => stage.incidents.length === reported, "each is reported, once");
        for (const [index, error] of errors.entries()) {
          const incident = stage.incidents[before + index]!;
          deepEqual([incident.id, incident.operation], [error.id, error.operation]);
          ok(!JSON.stringify([error, error.message, error.cause]).includes("hunter2"));
        }
      }
      deepEqual([guarded.ran, guarded.input.runs], [0, 0]);
      equal(stage.incidents[0]!.error, secret);
      ok(/must return true or false/.test(String(stage.incidents.at(-1)!.error)));
    },
  },
  {
    name: "who waits for leave keeps its place among those of its key, and who is refused waits for none of them",
    play: async (stage) => {
      const leave = new Map<number, PromiseWithResolvers<boolean>>();
      const gate = Promise.withResolvers<void>();
      const ran: number[] = [];
      const guarded = new Guarded();
      let asked = 0;
      const { client } = await stage.pair(
        guarded.contract,
        {
          ...guarded.handlers,
          keyed: async ({ step }) => {
            ran.push(step);
            await gate.promise;
            return step;
          },
        },
        {
          authorize: () => {
            const answer = Promise.withResolvers<boolean>();
            leave.set(asked++, answer);
            return answer.promise;
          },
        },
      );
      const calls = [0, 1, 2, 3].map((step) => client.keyed({ id: "a", step }));
      const [first, second, third, fourth] = calls as [
        Promise<number>,
        Promise<number>,
        Promise<number>,
        Promise<number>,
      ];
      const refused = fails(third, "PERMISSION_DENIED", "no");
      await stage.until(() => asked === 4, "all are asked for at once");
      leave.get(3)!.resolve(true);
      leave.get(1)!.resolve(true);
      await stage.settle();
      deepEqual(ran, []);
      leave.get(0)!.resolve(true);
      await stage.until(() => ran.length === 1, "the first runs");
      leave.get(2)!.resolve(false);
      await refused;
      deepEqual(ran, [0]);
      gate.resolve();
      deepEqual(await Promise.all([first, second, fourth]), [0, 1, 3]);
      deepEqual(ran, [0, 1, 3]);
    },
  },
  {
    name: "what is called to find out whether a peer may belongs to the request: its trace and its time",
    when: ({ deadline, cancel }) => deadline && cancel,
    play: async (stage) => {
      const chain = await Chain.build(stage);
      const traces: (string | undefined)[] = [];
      let ran = 0;
      let asked = "now";
      const { client, serving } = await stage.pair(
        Front,
        {
          ask: (input, context) => {
            ran++;
            chain.look(context);
            return input;
          },
          watch: () => [],
          tell: () => {},
        },
        {
          authorize: async () => {
            traces.push(currentTrace()?.traceId);
            return (await chain.back.work(asked, { deadline: "1h" })) === "worked";
          },
        },
      );
      equal(await client.ask("a", { deadline: "5s" }), "a");
      const [back, front] = chain.seen;
      notEqual(front?.traceId, undefined);
      deepEqual([back?.traceId, traces[0]], [front?.traceId, front?.traceId]);
      ok(back!.leftMs <= 5_000, `${back!.leftMs} ms`);
      asked = "wait";
      await failureOf(client.ask("b", { deadline: "500ms" }));
      const gone = new AbortController();
      const given = failureOf(client.ask("c", { signal: gone.signal }));
      await stage.until(() => chain.seen.length === 4, "the question is under way");
      gone.abort();
      equal((await given).code, "CANCELLED");
      await stage.until(() => serving.inFlight === 0, "both questions are given up");
      deepEqual([ran, stage.incidents.length], [1, 0]);
    },
  },
  {
    name: "a request for which nobody waits any more does not begin, though it may",
    when: ({ deadline, cancel }) => deadline && cancel,
    play: async (stage) => {
      const guarded = new Guarded();
      const leave = Promise.withResolvers<boolean>();
      let asked = 0;
      const { client, serving } = await guarded.guard(stage, () => {
        asked++;
        return leave.promise;
      });
      const gone = new AbortController();
      const left = [
        failureOf(client.read(1, { signal: gone.signal })),
        failureOf(client.watch(1, { signal: gone.signal }).next()),
        failureOf(client.keyed({ id: "a", step: 1 }, { signal: gone.signal })),
      ];
      const late = failureOf(client.read(1, { deadline: "600ms" }));
      await stage.until(() => asked === 4, "all wait for leave");
      gone.abort();
      for (const { code } of await Promise.all(left)) equal(code, "CANCELLED");
      equal((await late).code, "DEADLINE_EXCEEDED");
      equal(serving.inFlight, 4);
      await stage.sleep(100); // what the caller knows, the server knows when the cancellation has come
      leave.resolve(true);
      await stage.until(() => serving.inFlight === 0, "all are given up");
      equal(guarded.ran, 0);
    },
  },
  {
    name: "a request that waits for leave is under way: who stops waits for it, or cuts it",
    when: (_capabilities, { queued }) => queued !== true,
    play: async (stage) => {
      for (const drain of ["30s", 0] as const) {
        const guarded = new Guarded();
        const leave = Promise.withResolvers<boolean>();
        let asked = 0;
        const authorize: Authorize = () => {
          asked++;
          return leave.promise;
        };
        const { contract: vault, handlers } = guarded;
        const serving = await stage.serve(
          { contract: vault, handlers },
          { authorize, drain },
          `drain ${drain}`,
        );
        const client = await stage.connect(vault, {}, `drain ${drain}`);
        const answer = client.read(1).then(
          (value) => value,
          ({ code, executed }: TrunklineError) => `${code} ${executed}`,
        );
        await stage.until(() => asked === 1, "it waits for leave");
        const stopped = serving.stop();
        await stage.settle();
        if (drain === 0) equal(await answer, "UNAVAILABLE maybe");
        leave.resolve(true);
        if (drain !== 0) equal(await answer, 2);
        equal(await stopped, drain === 0 ? 1 : 0);
        await stage.settle();
        equal(guarded.ran, drain === 0 ? 0 : 1);
      }
    },
  },
];

import assert from "node:assert/strict";
import { test } from "node:test";

import { Refusal } from "../refusal.ts";
import type { Definition } from "../storage.ts";
import { queueTerms, type QueueTerms } from "../terms.ts";
import { Policies, type Policy } from "./policies.ts";

function storage(): {
  define: (of: Definition) => void;
  undefine(kind: string, name: string): void;
  all: Map<string, Definition>;
} {
  const all = new Map<string, Definition>();
  return {
    all,
    define: (of) => all.set(`${of.kind} ${of.name}`, structuredClone(of)),
    undefine: (kind, name) => all.delete(`${kind} ${name}`),
  };
}

function policy(name: string, more: Partial<Policy>): Policy {
  const usual = { pattern: ".*", applyTo: "all", priority: 0, operator: false } as const;
  return { host: "/", name, definition: { "max-length": 10 }, ...usual, ...more };
}

function queue(name: string, more: Partial<QueueTerms> = {}): QueueTerms {
  return queueTerms({ name, ...more });
}

test("a queue lives by the policy that matches it with the highest priority, and by that one alone", () => {
  const subject = new Policies([], storage());
  subject.set(policy("low", { priority: 1, definition: { "max-length": 1, expires: 5 } }));
  subject.set(policy("high", { priority: 2, pattern: "^in\\.", definition: { "max-length": 9 } }));
  const inner = subject.queue("/", queue("in.a"));
  assert.deepEqual(
    [inner.policy, inner.terms.lengthMax, inner.terms.expiresMs],
    ["high", 9, undefined],
  );
  const outer = subject.queue("/", queue("out.in.a"));
  assert.deepEqual([outer.policy, outer.terms.lengthMax, outer.terms.expiresMs], ["low", 1, 5]);
  assert.equal(subject.queue("other", queue("in.a")).policy, undefined);
});

test("of bounds the smallest holds, of all else what the declaration says", () => {
  const subject = new Policies([], storage());
  subject.set(
    policy("p", {
      definition: {
        ...{ "max-length": 10, "message-ttl": 50, "dead-letter-exchange": "policy" },
        ...{ "dead-letter-routing-key": "k", "delivery-limit": -1, overflow: "reject-publish" },
      },
    }),
  );
  subject.set(policy("o", { operator: true, definition: { "max-length": 5, "message-ttl": 90 } }));
  const { terms } = subject.queue(
    "/",
    queue("q", { lengthMax: 7, deadLetterExchange: "declared" }),
  );
  assert.deepEqual(
    [terms.lengthMax, terms.ttlMs, terms.deadLetterExchange, terms.deadLetterRoutingKey],
    [5, 50, "declared", "k"],
  );
  assert.deepEqual([terms.deliveryLimit, terms.overflow], [undefined, "reject-publish"]);
  const said = queue("q", { arguments: { "x-overflow": "drop-head" } });
  assert.equal(subject.queue("/", said).terms.overflow, "drop-head");
});

test("a policy applies to what it says", () => {
  const subject = new Policies([], storage());
  const kinds = {
    classic_queues: queue("q"),
    quorum_queues: queue("q", { arguments: { "x-queue-type": "quorum" } }),
    streams: queue("q", { kind: "log" }),
  };
  const exchange = {
    ...{ name: "q", type: "topic", durable: true, autoDelete: false, internal: false },
    arguments: {},
  };
  const hit: Record<string, string[]> = {};
  for (const applyTo of ["all", "queues", "exchanges", ...Object.keys(kinds)]) {
    subject.set(policy("p", { applyTo: applyTo as Policy["applyTo"] }));
    hit[applyTo] = Object.entries(kinds)
      .filter(([, terms]) => subject.queue("/", terms).policy === "p")
      .map(([kind]) => kind);
    if (subject.exchange("/", exchange).policy === "p") hit[applyTo].push("exchanges");
  }
  const queues = Object.keys(kinds);
  assert.deepEqual(hit, {
    ...{ all: [...queues, "exchanges"], queues, exchanges: ["exchanges"] },
    ...Object.fromEntries(queues.map((kind) => [kind, [kind]])),
  });
});

test("an exchange gets the alternate of its policy, where it was declared with none", () => {
  const subject = new Policies([], storage());
  subject.set(policy("p", { applyTo: "exchanges", definition: { "alternate-exchange": "lost" } }));
  const usual = { type: "topic", durable: true, autoDelete: false, internal: false };
  const bare = { name: "a", ...usual, arguments: {} };
  assert.equal(subject.exchange("/", bare).alternate, "lost");
  const own = { ...bare, arguments: { "alternate-exchange": "own" } };
  assert.equal(subject.exchange("/", own).alternate, "own");
});

test("a log keeps for the shorter of the two ages, a queue has none", () => {
  const subject = new Policies([], storage());
  subject.set(policy("p", { definition: { "max-age": "2h" } }));
  const log = queue("l", { kind: "log", retentionMs: 86_400_000 });
  assert.equal(subject.queue("/", log).terms.retentionMs, 7_200_000);
  assert.equal(subject.queue("/", queue("q")).terms.retentionMs, undefined);
});

test("policies are there after the next start, and gone when removed", () => {
  const kept = storage();
  const subject = new Policies([], kept);
  const heard: string[] = [];
  subject.onChange((host) => heard.push(host));
  subject.set(policy("a", {}));
  subject.set(policy("a", { operator: true }));
  subject.set(policy("b", { host: "other" }));
  const again = new Policies([...kept.all.values()], kept);
  assert.deepEqual(again.all(false), subject.all(false));
  assert.deepEqual(again.all(true), subject.all(true));
  assert.equal(subject.remove("/", "a", false), true);
  assert.equal(subject.remove("/", "a", false), false);
  subject.forgetHost("other");
  assert.deepEqual([...kept.all.keys()], ['operator-policy ["/","a"]']);
  assert.deepEqual(heard, ["/", "/", "other", "/", "other"]);
});

test("a policy that cannot be is refused by the name of its setting, and changes nothing", () => {
  const kept = storage();
  const subject = new Policies([], kept);
  for (const [more, why] of [
    [{ definition: {} }, /sets nothing/],
    [{ definition: { "max-lenght": 1 } }, /'max-lenght' is not a setting/],
    [{ definition: { "max-length": -1 } }, /-1 is no value of 'max-length'/],
    [{ definition: { overflow: "burn" } }, /"burn" is no value of 'overflow'/],
    [{ definition: { "max-age": "7 days" } }, /no value of 'max-age'/],
    [{ definition: { "dead-letter-exchange": "x" }, operator: true }, /of operator policies/],
    [{ pattern: "(" }, /cannot be used/],
    [{ priority: 0.5 }, /whole number/],
    [{ applyTo: "everything" as "all" }, /applies to one of/],
  ] as const)
    assert.throws(
      () => subject.set(policy("p", more)),
      (error) => error instanceof Refusal && why.test(error.message),
    );
  assert.equal(kept.all.size, 0);
});

import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { between, seededRandom } from "../../../base/random.ts";
import { readProperties, writeProperties } from "../../../wire/amqp091/properties.ts";
import type { Refusal } from "../refusal.ts";
import type { Definition } from "../storage.ts";
import type { BindingTerms, ExchangeTerms } from "../terms.ts";
import { copiesOf, withoutBlind } from "./copies.ts";
import { binding, exchange, message, refused, sorted, topology } from "./testing/samples.ts";
import { Topology, type TopologyChange } from "./topology.ts";

suite("the way of a message", () => {
  test("the default exchange knows each queue by its name", () => {
    const subject = topology();
    subject.addQueue("orders", true);
    assert.deepEqual(subject.route("", message("orders")), ["orders"]);
    assert.deepEqual(subject.route("", message("nowhere")), []);
    subject.removeQueue("orders");
    assert.deepEqual(subject.route("", message("orders")), []);
  });

  test("a queue gets a message once, by however many bindings it comes", () => {
    const subject = topology();
    subject.addQueue("q", true);
    subject.declare(exchange("x", "topic"));
    for (const key of ["a.*", "a.#", "#", "a.b"]) subject.bind(binding("x", "q", key));
    assert.deepEqual(subject.route("x", message("a.b")), ["q"]);
  });

  test("words of a pattern fit as RabbitMQ has them, for the empty key too", () => {
    const subject = topology();
    const patterns = ["", "#", "*", "*.*", "a.#", "#.a", "a.*.c", "#.#", "*.#", "a..b", "a."];
    subject.declare(exchange("x", "topic"));
    for (const pattern of patterns) {
      subject.addQueue(pattern, true);
      subject.bind(binding("x", pattern, pattern));
    }
    const fits = (key: string) => sorted(subject.route("x", message(key)));
    assert.deepEqual(fits(""), sorted(["", "#", "#.#"]));
    assert.deepEqual(fits("a"), sorted(["#", "*", "a.#", "#.a", "#.#", "*.#"]));
    assert.deepEqual(fits("a."), sorted(["#", "*.*", "a.#", "#.#", "*.#", "a."]));
    assert.deepEqual(fits("a.b.c"), sorted(["#", "a.#", "a.*.c", "#.#", "*.#"]));
    assert.deepEqual(fits("a..b"), sorted(["#", "a.#", "#.#", "*.#", "a..b"]));
  });

  test("patterns fit the keys that a plain reading of the rules says", () => {
    const seed = 7;
    const random = seededRandom(seed);
    const words = ["a", "b", "", "*", "#"];
    const pick = (among: readonly string[]) =>
      Array.from(
        { length: between(random, 0, 5) },
        () => among[between(random, 0, among.length - 1)]!,
      );
    for (let round = 0; round < 200; round++) {
      const subject = topology();
      subject.declare(exchange("x", "topic"));
      const patterns = new Set(Array.from({ length: 12 }, () => pick(words).join(".")));
      for (const pattern of patterns) {
        subject.addQueue(pattern, true);
        subject.bind(binding("x", pattern, pattern));
      }
      const gone = [...patterns].filter(() => random() < 0.3);
      for (const pattern of gone) {
        subject.unbind(binding("x", pattern, pattern));
        patterns.delete(pattern);
      }
      for (let asked = 0; asked < 20; asked++) {
        const key = pick(words.slice(0, 3)).join(".");
        assert.deepEqual(
          sorted(subject.route("x", message(key))),
          sorted([...patterns].filter((pattern) => fitsPlainly(split(pattern), split(key)))),
          `seed ${seed}, key ${JSON.stringify(key)}`,
        );
      }
    }
  });

  test("a pattern of a hundred # costs a long key no more than its length", () => {
    const subject = topology();
    subject.addQueue("q", true);
    subject.declare(exchange("x", "topic"));
    subject.bind(binding("x", "q", `${"#.".repeat(100)}z`));
    const key = "a.".repeat(120);
    assert.deepEqual(subject.route("x", message(`${key}y`)), []);
    assert.deepEqual(subject.route("x", message(`${key}z`)), ["q"]);
  });

  test("exchanges bound in a circle give each queue the message once", () => {
    const subject = topology();
    for (const name of ["a", "b", "c"]) {
      subject.declare(exchange(name, "fanout"));
      subject.addQueue(`q-${name}`, true);
      subject.bind(binding(name, `q-${name}`));
    }
    for (const [from, to] of ["ab", "bc", "ca", "aa"])
      subject.bind(binding(from!, to!, "", { to: "exchange" }));
    assert.deepEqual(sorted(subject.route("b", message("any"))), ["q-a", "q-b", "q-c"]);
  });

  test("what goes nowhere goes to the alternate exchange, also behind another exchange", () => {
    const subject = topology();
    subject.addQueue("q", true);
    subject.addQueue("rest", true);
    subject.declare(exchange("rests", "fanout"));
    subject.declare(exchange("x", "direct", { arguments: { "alternate-exchange": "rests" } }));
    subject.declare(exchange("first", "fanout"));
    subject.bind(binding("first", "x", "", { to: "exchange" }));
    subject.bind(binding("x", "q", "k"));
    subject.bind(binding("rests", "rest"));
    assert.deepEqual(subject.route("first", message("k")), ["q"]);
    assert.deepEqual(subject.route("first", message("other")), ["rest"]);
  });

  test("a policy names an alternate exchange, where the arguments name none", () => {
    const subject = topology();
    subject.addQueue("rest", true);
    subject.declare(exchange("rests", "fanout"));
    subject.declare(exchange("x", "direct"));
    subject.bind(binding("rests", "rest"));
    subject.alternate("x", "rests");
    assert.deepEqual(subject.route("x", message("k")), ["rest"]);
    subject.alternate("x", undefined);
    assert.deepEqual(subject.route("x", message("k")), []);
  });

  test("a way that was found is found anew when something has changed", () => {
    const subject = topology();
    subject.addQueue("q", true);
    subject.declare(exchange("x", "direct"));
    assert.deepEqual(subject.route("x", message("k")), []);
    subject.bind(binding("x", "q", "k"));
    assert.deepEqual(subject.route("x", message("k")), ["q"]);
    subject.removeQueue("q");
    assert.deepEqual(subject.route("x", message("k")), []);
  });
});

test("a headers exchange looks at the headers, not at the key", () => {
  const subject = topology();
  subject.addQueue("q", true);
  subject.bind(binding("amq.headers", "q", "k", { arguments: { a: 1 } }));
  const properties = writeProperties({ headers: { a: 1, b: 2 } });
  assert.deepEqual(subject.route("amq.headers", message("other", properties)), ["q"]);
  assert.deepEqual(subject.route("amq.headers", message("k")), []);
});

test("an exchange for delays finds its queues as the type that it names does", () => {
  const subject = topology();
  subject.addQueue("q", true);
  const named = { arguments: { "x-delayed-type": "topic" } };
  subject.declare(exchange("x", "x-delayed-message", named));
  subject.bind(binding("x", "q", "a.#"));
  assert.deepEqual(subject.route("x", message("a.b")), ["q"]);
  for (const type of [undefined, "strange", "x-delayed-message"])
    assert.throws(
      () =>
        subject.declare(
          exchange("y", "x-delayed-message", { arguments: { "x-delayed-type": type } }),
        ),
      refused(
        "precondition-failed",
        "Invalid argument, 'x-delayed-type' must be an existing exchange type",
      ),
    );
});

suite("copies", () => {
  test("go where the keys in CC and BCC lead, from each exchange", () => {
    const subject = topology();
    for (const name of ["a", "b", "c"]) {
      subject.addQueue(name, true);
      subject.bind(binding("amq.direct", name, name));
    }
    const properties = writeProperties({ headers: { CC: ["b", 1], BCC: ["c", "nowhere"], x: 1 } });
    for (const from of ["", "amq.direct"])
      assert.deepEqual(sorted(subject.route(from, message("a", properties))), ["a", "b", "c"]);
  });

  test("those in BCC are not seen by who gets the message, all else is", () => {
    const headers = { CC: ["b"], BCC: ["c"], x: 1 };
    const sent = message("a", writeProperties({ headers, messageId: "m" }));
    assert.equal(copiesOf(sent.properties)?.blind, true);
    assert.deepEqual(readProperties(withoutBlind(sent).properties), {
      headers: { CC: ["b"], x: 1 },
      messageId: "m",
    });
  });

  test("what is no array of keys is refused", () => {
    assert.throws(
      () => copiesOf(writeProperties({ headers: { CC: "b" } })),
      refused("precondition-failed", 'invalid message: {unacceptable_type_in_header,"CC",longstr}'),
    );
  });
});

suite("declarations", () => {
  test("the same again is fine, another is refused in RabbitMQ's words", () => {
    const subject = topology();
    const terms = exchange("x", "direct", { arguments: { "alternate-exchange": "a", more: 1 } });
    assert.equal(subject.declare(terms).define.length, 1);
    assert.equal(
      subject.declare({ ...terms, arguments: { "alternate-exchange": "a" } }).define.length,
      0,
    );
    const texts: readonly [Partial<ExchangeTerms>, string][] = [
      [
        { type: "fanout" },
        "'type' for exchange 'x' in vhost '/': received 'fanout' but current is 'direct'",
      ],
      [
        { durable: false },
        "'durable' for exchange 'x' in vhost '/': received 'false' but current is 'true'",
      ],
      [
        { arguments: {} },
        "'alternate-exchange' for exchange 'x' in vhost '/': received none but current is the value 'a' of type 'longstr'",
      ],
    ];
    for (const [more, text] of texts)
      assert.throws(
        () => subject.declare({ ...terms, ...more }),
        refused("precondition-failed", `inequivalent arg ${text}`),
      );
  });

  test("names, types and the predeclared are guarded", () => {
    const subject = topology();
    const cases: readonly [() => unknown, Refusal["reason"], string][] = [
      [
        () => subject.declare(exchange("amq.x", "direct")),
        "access-refused",
        "exchange name 'amq.x' contains reserved prefix 'amq.*'",
      ],
      [
        () => subject.declare(exchange("x", "strange")),
        "command-invalid",
        "unknown exchange type 'strange'",
      ],
      [
        () => subject.declare(exchange("", "direct")),
        "access-refused",
        "operation not permitted on the default exchange",
      ],
      [
        () => subject.delete("amq.topic"),
        "access-refused",
        "deletion of system exchange 'amq.topic' in vhost '/' not allowed",
      ],
      [
        () => subject.bind(binding("", "q")),
        "access-refused",
        "operation not permitted on the default exchange",
      ],
      [() => subject.bind(binding("none", "q")), "not-found", "no exchange 'none' in vhost '/'"],
      [() => subject.bind(binding("amq.topic", "q")), "not-found", "no queue 'q' in vhost '/'"],
      [() => subject.route("none", message("k")), "not-found", "no exchange 'none' in vhost '/'"],
      [
        () => subject.checkPublish("amq.rabbitmq.trace"),
        "access-refused",
        "cannot publish to internal exchange 'amq.rabbitmq.trace' in vhost '/'",
      ],
    ];
    for (const [act, reason, text] of cases) assert.throws(act, refused(reason, text));
    assert.deepEqual(subject.declare(exchange("amq.topic", "topic")), { undefine: [], define: [] });
  });

  test("an exchange in use is not deleted when that was a condition", () => {
    const subject = topology();
    subject.addQueue("q", true);
    subject.declare(exchange("x", "direct"));
    subject.bind(binding("x", "q", "k"));
    assert.throws(
      () => subject.delete("x", true),
      refused("precondition-failed", "exchange 'x' in vhost '/' in use"),
    );
    assert.equal(subject.delete("x").undefine.length, 2);
    assert.deepEqual(subject.bindingsTo("queue", "q"), []);
    assert.equal(subject.exchange("x"), undefined);
  });

  test("exchanges go with their last binding, one behind the other", () => {
    const subject = topology();
    subject.addQueue("q", true);
    for (const name of ["a", "b", "c"])
      subject.declare(exchange(name, "fanout", { autoDelete: true }));
    subject.bind(binding("a", "b", "", { to: "exchange" }));
    subject.bind(binding("b", "c", "", { to: "exchange" }));
    subject.bind(binding("c", "q"));
    const { undefine } = subject.removeQueue("q");
    for (const name of ["a", "b", "c"]) assert.equal(subject.exchange(name), undefined);
    assert.equal(undefine.length, 6);
  });

  test("more exchanges or bindings than the bound are refused", () => {
    const subject = new Topology({
      ...{ host: "h", random: seededRandom(1) },
      ...{ exchangesMax: 1, bindingsMax: 1 },
    });
    subject.addQueue("q", true);
    subject.declare(exchange("x", "direct"));
    subject.bind(binding("x", "q", "1"));
    assert.throws(
      () => subject.declare(exchange("y", "direct")),
      refused(
        "precondition-failed",
        "cannot declare exchange 'y' in vhost 'h': exchange limit of 1 is reached",
      ),
    );
    assert.throws(
      () => subject.bind(binding("x", "q", "2")),
      refused(
        "precondition-failed",
        "cannot bind to exchange 'x' in vhost 'h': binding limit of 1 is reached",
      ),
    );
  });
});

suite("what is kept", () => {
  test("a topology is the same again after its definitions, whatever its names are", () => {
    const kept = new Keeper();
    const subject = topology();
    const names = ["x", 'a"b', "a\\", "[]", "ü\u0000", "__proto__"];
    for (const name of names) {
      subject.addQueue(name, true);
      kept.keep(
        subject.declare(exchange(name, "topic", { arguments: { at: instantOf(5), $x: 1n } })),
      );
    }
    for (const from of names)
      for (const to of names) {
        kept.keep(
          subject.bind(binding(from, to, from + to, { arguments: { bytes: Buffer.of(1) } })),
        );
        if (from !== to) kept.keep(subject.bind(binding(from, to, to, { to: "exchange" })));
      }
    kept.keep(subject.unbind(binding("x", "x", "xx", { arguments: { bytes: Buffer.of(1) } })));
    kept.keep(subject.delete("[]"));

    const again = topology();
    for (const name of names) again.addQueue(name, true);
    assert.deepEqual(again.restore(kept.definitions), { undefine: [], define: [] });
    assert.deepEqual([...again.exchanges()], [...subject.exchanges()]);
    assert.deepEqual(printed(again.bindings()), printed(subject.bindings()));
  });

  test("what is not durable, or leads to what is not, is not kept", () => {
    const subject = topology();
    subject.addQueue("fleeting", false);
    subject.addQueue("q", true);
    assert.deepEqual(subject.declare(exchange("f", "fanout", { durable: false })).define, []);
    subject.declare(exchange("x", "fanout"));
    assert.deepEqual(subject.bind(binding("x", "fleeting")).define, []);
    assert.deepEqual(subject.bind(binding("f", "q")).define, []);
    assert.equal(subject.bind(binding("x", "q")).define.length, 1);
    assert.deepEqual(subject.removeQueue("fleeting").undefine, []);
  });

  test("a binding whose queue is gone is told when it is restored", () => {
    const kept = new Keeper();
    const subject = topology();
    subject.addQueue("q", true);
    kept.keep(subject.bind(binding("amq.direct", "q", "k")));
    const again = topology();
    assert.equal(again.restore(kept.definitions).undefine.length, 1);
    assert.deepEqual([...again.bindings()], []);
  });
});

class Keeper {
  readonly #kept = new Map<string, Definition>();

  keep({ undefine, define }: TopologyChange): void {
    for (const { kind, name } of undefine) assert.ok(this.#kept.delete(`${kind} ${name}`));
    for (const each of define) {
      assert.ok(!this.#kept.has(`${each.kind} ${each.name}`));
      // As a storage would give it back.
      const definition = JSON.parse(JSON.stringify(each)) as Definition;
      this.#kept.set(`${each.kind} ${each.name}`, definition);
    }
  }

  get definitions(): Definition[] {
    return [...this.#kept.values()];
  }
}

function instantOf(ms: number): Date {
  return new Date(ms);
}

function printed(bindings: Iterable<BindingTerms>): string[] {
  return Array.from(bindings, (each) => JSON.stringify(each)).toSorted();
}

function split(key: string): readonly string[] {
  return key === "" ? [] : key.split(".");
}

function fitsPlainly(pattern: readonly string[], words: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return words.length === 0;
  if (first === "#")
    return words.some((_, at) => fitsPlainly(rest, words.slice(at))) || fitsPlainly(rest, []);
  if (words.length === 0) return false;
  return (first === "*" || first === words[0]) && fitsPlainly(rest, words.slice(1));
}

import type { Mutant } from "./mutant.ts";

const folder = "src/broker/embedded/port";

/** Ways to break what the embedded broker makes of channels and groups. */
export const embeddedPortMutants: readonly Mutant[] = [
  {
    name: "feed-without-cursor",
    file: `${folder}/feeds.ts`,
    find: "if (seq + 1 < next()) this.#note(terms, seq + 1);",
    replace: "if (seq + 1 < next()) void this.#nameOf;",
    because: "after a crash a new group gets again what it had got already",
    killedBy: "embeddedPort",
  },
  {
    name: "feed-bound-at-once",
    file: `${folder}/feeds.ts`,
    find: "if (seq + 1 < next()) this.#note(terms, seq + 1);",
    replace: "if (seq + 1 < 0) this.#note(terms, seq + 1);",
    because: "a new group misses what was kept",
    killedBy: "embeddedPort",
  },
  {
    name: "feed-forgotten",
    file: `${folder}/shared-embedded.ts`,
    find: "this.feeds.restore();",
    replace: "",
    because: "a group that was being filled when the process died never gets the rest",
    killedBy: "embeddedPort",
  },
  {
    name: "receipt-before-safe",
    file: `${folder}/publishing.ts`,
    find: "if (published.batch > 0) this.#written = true;",
    replace: "if (published.batch < 0) this.#written = true;",
    because: "a receipt says that a message is stored which a crash takes",
    killedBy: "embeddedPort",
  },
  {
    name: "published-twice",
    file: `${folder}/publishing.ts`,
    find: "if (identity !== undefined) recent.add(identity, published.batch > 0);",
    replace: "if (identity !== undefined) recent.add(identity, false);",
    because: "what is published again after a crash is there twice",
    killedBy: "embeddedPort",
  },
  {
    name: "outputs-of-the-fenced",
    file: `${folder}/consumer.ts`,
    find: "if (this.#take(delivery)?.ack(delivery.handed) !== true) throw fenced(endpoint);\n    publish();",
    replace:
      "publish();\n    if (this.#take(delivery)?.ack(delivery.handed) !== true) throw fenced(endpoint);",
    because: "what comes of a message leaves although the message belongs to somebody else by now",
    killedBy: "embeddedPort",
  },
  {
    name: "outputs-cut-short",
    file: `${folder}/publishing.ts`,
    find: "planned.set(name, before + 1);",
    replace: "void before;",
    because: "a message is done, and of what comes of it only a part is there",
    killedBy: "embeddedPort",
  },
  {
    name: "waiting-overtaken",
    file: `${folder}/publishing.ts`,
    find: "const safe = this.#behind === undefined ? this.#note(messages, outcomes) : undefined;",
    replace: "const safe = this.#note(messages, outcomes);",
    because: "what waits for room is overtaken by what is published after it",
    killedBy: "embeddedPort",
  },
  {
    name: "release-waits",
    file: `${folder}/consumer.ts`,
    find: "return done === true ? settled : Promise.reject(fenced(this.#parts.endpoint));",
    replace:
      "return done === true ? this.#parts.safety.noted() : Promise.reject(fenced(this.#parts.endpoint));",
    because:
      "a request whose reply could not be sent comes again before it is let go of, and hangs",
    killedBy: "embeddedPort",
  },
  {
    name: "expiry-not-written",
    file: `${folder}/event-message.ts`,
    find: "this.expirationMs = expirationOf(envelope, nowWall);",
    replace: "this.expirationMs = undefined;",
    because: "what nobody wants any more is delivered",
    killedBy: "embeddedPort",
  },
];

import type { Mutant } from "./mutant.ts";

const commands = "src/messaging/replies/command-serving.ts";
const desk = "src/messaging/replies/reply-desk.ts";
const reader = "src/messaging/replies/reply-reader.ts";
const gather = "src/messaging/replies/gather.ts";
const calls = "src/bridge/calls/server.ts";
const caller = "src/bridge/calls/caller.ts";

/** Ways to break what comes back by a broker: replies to commands, answers to gathers, reports, and calls. */
export const replyMutants: readonly Mutant[] = [
  {
    name: "IN3-duplicate-command-done-again",
    file: commands,
    find: "const before = this.#replies.get(envelope.id);",
    replace: "const before = undefined;",
    because: "a command whose reply could not be sent at once is done twice",
    killedBy: "replies",
  },
  {
    name: "IN3-duplicate-command-not-answered",
    file: commands,
    find: "if (reply !== undefined) await this.#replier.send(envelope, reply)",
    replace: "if (reply === envelope) await this.#replier.send(envelope, reply)",
    because: "who has sent a command a second time never hears of it",
    killedBy: "replies",
  },
  {
    name: "command-done-before-its-reply",
    file: commands,
    find: "      await this.#replier.send(envelope, reply);\n    } catch (error) {",
    replace: "      void this.#replier.send(envelope, reply);\n    } catch (error) {",
    because: "a server that dies then has done a command of which nobody hears",
    killedBy: "replies",
  },
  {
    name: "given-up-command-says-nothing",
    file: commands,
    find: 'ending === "handled" ? commands.done(message) : commands.givenUp(message),',
    replace: "commands.done(message),",
    because: "a command that is dead is waited for in vain",
    killedBy: "replies",
  },
  {
    name: "last-refusal-hides-earlier-work",
    file: commands,
    find: "const told = withPast(error, before, attempt);",
    replace: "const told = attempt > 0 ? error : withPast(error, before, attempt);",
    because: "what was half done says that it never ran, and is done once more",
    killedBy: "replies",
  },
  {
    name: "dropped-replies-taken-for-kept",
    file: reader,
    find: "return this.since <= from && this.#droppedAt < from;",
    replace: "return this.since <= from;",
    because: "a reply that fell out of memory is waited for, though it stands in its box",
    killedBy: "replies",
  },
  {
    name: "resumed-box-read-from-now-on",
    file: desk,
    find: "const reader = new ReplyReader(this.broker, name, from);",
    replace: "const reader = new ReplyReader(this.broker, name, this.#env.wall() - from * 0);",
    because: "who comes back after a restart misses the reply that came meanwhile",
    killedBy: "replies",
  },
  {
    name: "group-counts-twice",
    file: gather,
    find: "if (from === undefined || this.#heard.has(from) || this.#heard.size >= groupsMax) return;",
    replace: "if (from === undefined || this.#heard.size >= groupsMax) return;",
    because: "two answers of one group pass for those of two",
    killedBy: "replies",
  },
  {
    name: "failure-enough-for-first",
    file: gather,
    find: 'if (typeof wanted === "number") return this.#answers.length >= wanted;',
    replace:
      'if (typeof wanted === "number") return this.#answers.length + this.#failures.length >= wanted;',
    because: "the first who is broken answers for all",
    killedBy: "replies",
  },
  {
    name: "redelivered-call-done-again",
    file: calls,
    find: "if (again && operation.idempotent !== true) return refuse(begunElsewhere());",
    replace: "",
    because: "what a dead server had done is done twice",
    killedBy: "replies",
  },
  {
    name: "redelivered-refusal-says-no",
    file: calls,
    find: "return { failure: again ? perhapsBefore(failure) : failure };\n    }\n  }",
    replace: "return { failure };\n    }\n  }",
    because: "what a dead server may have done is said never to have happened",
    killedBy: "replies",
  },
  {
    name: "call-acked-before-its-reply",
    file: calls,
    find: "      this.#unsettled.add(envelope.id, reply);\n",
    replace: "      await settled(running.delivery.ack());\n",
    because: "a reply that cannot be sent at once is lost",
    killedBy: "replies",
  },
  {
    name: "server-that-joins-takes-what-runs",
    file: calls,
    find: "group: undefined, prefetch, revoking };",
    replace: "group: undefined, prefetch };",
    because:
      "each server that is added makes calls fail, of which nobody knows whether they were done",
    killedBy: "replies",
  },
  {
    name: "unsent-call-says-maybe",
    file: caller,
    find: "      pending.sent = true;\n",
    replace: "",
    because: "a call that was done says, when its reply is late, that it never left",
    killedBy: "replies",
  },
];

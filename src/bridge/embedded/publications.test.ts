import { deepEqual, equal, ok } from "node:assert/strict";
import { suite, test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import type { Broker, Outgoing, Receipt } from "../../broker/broker.ts";
import { channel } from "../../broker/channel.ts";
import { waitingMax } from "./bounds.ts";
import { Publications, type Outgo } from "./publications.ts";

const work = channel({ name: "work", shape: "queue" });
const stored: Receipt = { enqueued: "stored" };

function message(id: string): Outgoing {
  const told = { type: "test.said", source: "/test", subject: "key", time: 0 };
  const data = Buffer.from(id);
  return {
    channel: work,
    envelope: { id, ...told, contentType: "text/plain", attributes: {}, data },
  };
}

type Outcome = Receipt | TrunklineError;

/** An owner that answers when it is told to. */
class Owner implements Outgo {
  readonly got: string[] = [];
  over = false;
  readonly broker: Broker;
  #answers: (() => void)[] = [];

  constructor(say: (id: string) => Outcome = () => stored, atOnce = true) {
    const publish = (messages: readonly Outgoing[]): Promise<readonly Outcome[]> => {
      const ids = messages.map(({ envelope: { id } }) => id);
      this.got.push(...ids);
      return new Promise((resolve) => {
        const answer = (): void => resolve(ids.map((id) => (this.over ? lost() : say(id))));
        if (atOnce) answer();
        else this.#answers.push(answer);
      });
    };
    this.broker = { publish } as unknown as Broker;
  }

  /** It is killed: nobody hears of what it has. */
  die(): void {
    this.over = true;
    for (const answer of this.#answers.splice(0)) answer();
  }
}

function lost(): TrunklineError {
  return systemError("UNAVAILABLE", "the connection is lost", { executed: "maybe" });
}

function publications(env: VirtualEnv, waitMs = 1_000): Publications {
  const gone = systemError("UNAVAILABLE", "there is no owner", { executed: "no", advice: "wait" });
  return new Publications(waitMs, () => Promise.resolve(gone), env);
}

function words(outcomes: readonly Outcome[]): string[] {
  return outcomes.map((each) =>
    isTrunklineError(each) ? `${each.code} ${each.executed}` : each.enqueued,
  );
}

suite("publications under several owners", () => {
  test("go to the next owner in their order, before what is younger, when one is gone with them", async () => {
    const env = new VirtualEnv();
    const all = publications(env);
    const first = new Owner(() => stored, false);
    all.begin(first);
    const before = [all.publish([message("1"), message("2")]), all.publish([message("3")])];
    first.die();
    await all.rest();
    const younger = all.publish([message("4")]);
    const second = new Owner();
    all.begin(second);
    const outcomes = await Promise.all([...before, younger]);
    deepEqual(first.got, ["1", "2", "3"]);
    deepEqual(second.got, ["1", "2", "3", "4"]);
    deepEqual(outcomes.map(words), [["stored", "stored"], ["stored"], ["stored"]]);
    equal(env.alarms, 0);
  });

  test("that one owner may have are not said to be nowhere because the next one refuses them", async () => {
    const env = new VirtualEnv();
    const all = publications(env);
    const first = new Owner(() => stored, false);
    all.begin(first);
    const old = all.publish([message("old")]);
    first.die();
    await all.rest();
    const fresh = all.publish([message("fresh")]);
    const refusal = systemError("RESOURCE_EXHAUSTED", "it is full", { executed: "no" });
    all.begin(new Owner(() => refusal));
    deepEqual(words(await old), ["RESOURCE_EXHAUSTED maybe"]);
    deepEqual(words(await fresh), ["RESOURCE_EXHAUSTED no"]);
  });

  test("that an owner refuses while it lives are not published again", async () => {
    const env = new VirtualEnv();
    const all = publications(env);
    const nowhere = systemError("UNAVAILABLE", "there is no queue", { executed: "no" });
    const owner = new Owner((id) => (id === "2" ? nowhere : stored));
    all.begin(owner);
    deepEqual(words(await all.publish([message("1"), message("2")])), ["stored", "UNAVAILABLE no"]);
    deepEqual(owner.got, ["1", "2"]);
    await all.idle();
    equal(env.alarms, 0);
  });

  test("fail when there is no owner in time, with what is true of each", async () => {
    const env = new VirtualEnv();
    const all = publications(env);
    const never = all.publish([message("never")]);
    deepEqual(words(await never), ["UNAVAILABLE no"]);
    const first = new Owner(() => stored, false);
    all.begin(first);
    const sent = all.publish([message("sent")]);
    first.die();
    await all.rest();
    await sleep(env, 500);
    const late = all.publish([message("late")]);
    const began = env.now();
    deepEqual(words(await sent), ["UNAVAILABLE maybe"]);
    equal(env.now() - began, 500);
    deepEqual(words(await late), ["UNAVAILABLE no"]);
    equal(env.now() - began, 1_000);
    equal(env.alarms, 0);
  });

  test("wait for the next owner up to a bound", async () => {
    const env = new VirtualEnv();
    const all = publications(env);
    const many = all.publish(Array.from({ length: waitingMax }, (_, index) => message(`${index}`)));
    deepEqual(words(await all.publish([message("too many")])), ["RESOURCE_EXHAUSTED no"]);
    const owner = new Owner();
    all.begin(owner);
    ok((await many).every((each) => each === stored));
    equal(owner.got.length, waitingMax);
  });
});

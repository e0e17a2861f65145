// A peer in a process of its own: `load.ts PEER ADDRESS`. Answers one question at a time.
import { answer } from "../child.ts";
import { Meter } from "./meter.ts";
import { keys, orderOf } from "./peer.ts";
import { peers } from "./peers.ts";
import type { Answer, Question } from "./questions.ts";

const [name = "", address = ""] = process.argv.slice(2);
const peer = await peers[name]!(address);
/** Messages so far: each has a number of its own. */
let made = 0;
let consuming: { meter: Meter; end: () => Promise<void> } | undefined;

answer(async (question: Question): Promise<Answer> => {
  const meter = (consuming?.meter ?? new Meter()).begin();
  switch (question.ask) {
    case "clear":
      await peer.clear();
      return meter.answer();
    case "publish": {
      const until = performance.now() + question.seconds * 1_000;
      await publish(meter, question.connections, () => performance.now() < until);
      const told = meter.answer();
      return { ...told, ...(await peer.count()) };
    }
    case "consume": {
      const end = await peer.consume((order) => meter.heard(order));
      consuming = { meter, end };
      return meter.answer();
    }
    case "through": {
      await publish(meter, question.connections, (sent) => sent < question.count);
      await meter.quiet(question.count);
      return meter.answer();
    }
    case "fill": {
      await publish(meter, question.connections, (sent) => sent < question.count);
      return meter.answer();
    }
    case "drain": {
      const end = await peer.consume((order) => meter.heard(order));
      consuming = { meter, end };
      await meter.quiet(question.count);
      return meter.answer();
    }
    case "steady":
      await steadily(meter, question.perSecond, question.seconds);
      await meter.quiet(Infinity);
      return { ...meter.answer(), claimMs: await peer.claim?.(1) };
    case "end":
      await consuming?.end();
      consuming = undefined;
      return meter.answer();
  }
});

/** As many transactions at once as there are connections; each key is one publisher's. `going`: whether there is to be one more. */
async function publish(
  meter: Meter,
  connections: number,
  going: (sent: number) => boolean,
): Promise<void> {
  const first = made;
  let sent = 0;
  let highest = first;
  const lane = async (place: number): Promise<void> => {
    for (let number = first + place; going(sent); number += connections) {
      sent++;
      highest = Math.max(highest, number);
      await one(meter, number);
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, place) => lane(place)));
  made = Math.ceil((highest + 1) / keys) * keys;
}

async function one(meter: Meter, number: number): Promise<void> {
  meter.sent(number);
  await peer.transact(orderOf(number));
  meter.committed(number);
}

/** So many a second, whoever is late. */
async function steadily(meter: Meter, perSecond: number, seconds: number): Promise<void> {
  const began = performance.now();
  const all: Promise<void>[] = [];
  for (let sent = 0; sent < perSecond * seconds;) {
    const due = ((performance.now() - began) / 1_000) * perSecond;
    while (sent < due && sent < perSecond * seconds) {
      sent++;
      all.push(one(meter, made++));
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await Promise.all(all);
}

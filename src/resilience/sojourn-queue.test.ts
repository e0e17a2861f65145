import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { SojournQueue, Waiting } from "./sojourn-queue.ts";

class Named extends Waiting {
  readonly name: string;

  constructor(name: string, deadlineAt: number = Infinity) {
    super(deadlineAt);
    this.name = name;
  }
}

function filled(names: string, at = 0): SojournQueue<Named> {
  const queue = new SojournQueue<Named>();
  for (const name of names) queue.push(new Named(name), at);
  return queue;
}

test("first in, first out, while it empties now and then", () => {
  const queue = filled("abc");
  deepEqual([queue.take(1)?.name, queue.take(2)?.name, queue.take(3)?.name], ["a", "b", "c"]);
  equal(queue.take(4), undefined);
});

test("what has not been empty for too long gives the newest first, and lets nobody wait", () => {
  const queue = filled("a");
  for (let at = 20; at <= 140; at += 20) queue.push(new Named(`n${at}`), at);
  equal(queue.overloaded(100), false);
  equal(queue.overloaded(141), true);
  equal(queue.take(141)?.name, "n140");
  equal(queue.take(141), undefined); // the others have waited for more than 5 ms
  equal(queue.expired(141).length, 7);
  equal(queue.size, 0);
  queue.push(new Named("later"), 200);
  equal(queue.overloaded(290), false);
});

test("nobody is given who has waited too long, or whose deadline is over", () => {
  const queue = filled("a");
  queue.push(new Named("b", 50), 10);
  queue.push(new Named("c"), 40);
  equal(queue.dueAt(40), 50);
  equal(queue.take(100)?.name, "a");
  deepEqual(
    queue.expired(100).map(({ name }) => name),
    ["b"],
  );
  equal(queue.dueAt(100), 140);
  equal(queue.take(100)?.name, "c");
});

test("a full queue takes no more, and who leaves makes room, wherever it stood", () => {
  const queue = new SojournQueue<Named>({ lengthMax: 3 });
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => new Named(name));
  deepEqual(
    [a, b, c, d].map((entry) => queue.push(entry!, 0)),
    [true, true, true, false],
  );
  queue.remove(b!, 1);
  queue.remove(b!, 1);
  queue.remove(d!, 1);
  equal(queue.size, 2);
  equal(queue.push(d!, 1), true);
  deepEqual([queue.take(2), queue.take(2), queue.take(2)], [a, c, d]);
});

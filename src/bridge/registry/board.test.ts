import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";

import type { Instance } from "../../discovery/discovery.ts";
import { beatMs, RegistryBoard, type Taken } from "./board.ts";
import { registeredMax, serviceBytesMax } from "./bounds.ts";

function instance(id: string, given: Partial<Instance> = {}): Instance {
  const addresses = [`memory:${id}`];
  return { id, bootId: `${id}-1`, contracts: ["orders@1"], addresses, state: "ready", ...given };
}

/** Registers an instance that has been there for `ageMs`. */
function register(
  board: RegistryBoard,
  given: Instance,
  ttlMs: number,
  lease: string,
  now: number = 0,
  again: boolean = false,
  ageMs: number = 0,
): Taken {
  return board.register({ instance: given, ttlMs, again, ageMs }, lease, now);
}

function ids(board: RegistryBoard, service: string = "orders"): string[] {
  return board
    .of(service)
    .instances.map(({ id }) => id)
    .toSorted();
}

/** Time goes on as it does for a process that is awake. */
function live(board: RegistryBoard, from: number, until: number, beat = () => {}): void {
  for (let now = from; now < until; now += beatMs) {
    beat();
    board.advance(now);
  }
  board.advance(until);
}

suite("the board of a registry", () => {
  test("an instance is gone when its lease was not renewed, and not before", () => {
    const board = new RegistryBoard(0);
    equal(register(board, instance("a"), 1_000, "l-1"), "taken");
    live(board, 0, 999);
    deepEqual(ids(board), ["a"]);
    live(board, 999, 1_000);
    deepEqual(ids(board), []);
    equal(board.renew("l-1", 1_000), false);
  });

  test("a registry that stood still takes no lease for over: nobody could renew it", () => {
    const board = new RegistryBoard(0);
    register(board, instance("a"), 1_000, "l-1");
    register(board, instance("b"), 1_000, "l-2");
    equal(board.advance(600), 1_000);
    // SIGSTOP for a minute; then the alarm comes before the renewals that wait in the socket.
    board.advance(60_000);
    deepEqual(ids(board), ["a", "b"]);
    equal(board.renew("l-1", 60_001), true);
    live(board, 60_001, 60_600);
    deepEqual(ids(board), ["a"]);
  });

  test("a loop that is always a little late does not keep the dead for ever", () => {
    const board = new RegistryBoard(0);
    register(board, instance("a"), 10_000, "l-1");
    let now = 0;
    for (let next = 0; next < 60_000; next = board.advance(now) + 100) now = next;
    ok(now > 10_000 && now < 20_000, `gone after ${now} ms`);
  });

  test("a younger life of an instance takes its place, and the one before stays away as long as it lives", () => {
    const board = new RegistryBoard(0);
    const [old, young] = [instance("a"), instance("a", { bootId: "a-2" })];
    equal(register(board, old, 10_000, "l-1"), "taken");
    equal(register(board, young, 10_000, "l-2", 1), "taken");
    equal(board.renew("l-1", 2), false);
    equal(board.deregister("l-1", 2), false);
    equal(register(board, old, 10_000, "l-3", 3, true, 3), "displaced");
    equal(board.of("orders").instances[0]!.bootId, "a-2");
    board.deregister("l-2", 4);
    equal(register(board, old, 10_000, "l-4", 5, true, 5), "taken");
  });

  test("a registry that reads back an older life than the one that comes takes the younger one", () => {
    const board = new RegistryBoard(0);
    register(board, instance("a"), 10_000, "l-1");
    const again = new RegistryBoard(1_000, board.save());
    const young = instance("a", { bootId: "a-2" });
    equal(register(again, young, 10_000, "l-2", 1_010, true, 900), "taken");
    equal(register(again, instance("a"), 10_000, "l-3", 1_020, true, 60_000), "displaced");
    deepEqual(again.of("orders").instances, [young]);
  });

  test("one lease is one instance", () => {
    const board = new RegistryBoard(0);
    equal(register(board, instance("a"), 10_000, "l-1"), "taken");
    equal(register(board, instance("b"), 10_000, "l-1"), "full");
    deepEqual(ids(board), ["a"]);
  });

  test("when nobody at all is heard the dead are kept for one more time to live", () => {
    const board = new RegistryBoard(0);
    for (const id of ["a", "b", "c", "d"]) register(board, instance(id), 9_000, id);
    live(board, 0, 17_900);
    deepEqual(ids(board), ["a", "b", "c", "d"]);
    live(board, 17_900, 18_000);
    deepEqual(ids(board), []);
  });

  test("where one is still heard the others are dead at their time", () => {
    const board = new RegistryBoard(0);
    for (const id of ["a", "b", "c", "d"]) register(board, instance(id), 9_000, id);
    let now = 0;
    live(board, 0, 9_500, () => board.renew("a", (now += beatMs) - beatMs));
    deepEqual(ids(board), ["a"]);
  });

  test("two of two are dead at their time: so few say nothing of the network", () => {
    const board = new RegistryBoard(0);
    for (const id of ["a", "b"]) register(board, instance(id), 9_000, id);
    live(board, 0, 9_000);
    deepEqual(ids(board), []);
  });

  test("what is saved and read back lives for one whole time to live", () => {
    const board = new RegistryBoard(0);
    register(board, instance("a"), 5_000, "l-1");
    live(board, 0, 4_900);
    const again = new RegistryBoard(70_000, board.save());
    live(again, 70_000, 74_900);
    deepEqual(ids(again), ["a"]);
    equal(again.renew("l-1", 74_900), true);
    live(again, 74_900, 79_900);
    deepEqual(ids(again), []);
  });

  test("a service has no more bytes than a snapshot may carry, and an update counts once", () => {
    const board = new RegistryBoard(0);
    const meta = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [`k${index}`, "x".repeat(1_000)]),
    );
    let taken = 0;
    while (register(board, instance(`i${taken}`, { meta }), 10_000, `l${taken}`) === "taken")
      taken++;
    ok(taken * 60_000 < serviceBytesMax && (taken + 1) * 62_000 > serviceBytesMax);
    equal(register(board, instance("i0", { meta }), 10_000, "again"), "taken");
    equal(register(board, instance("x", { contracts: ["bills@1"] }), 10_000, "x"), "taken");
    board.deregister("again", 0);
    equal(register(board, instance("late", { meta }), 10_000, "late"), "taken");
  });

  test("there are no more instances than it takes, and one that goes makes room", () => {
    const board = new RegistryBoard(0);
    const tiny = (index: number): Instance =>
      instance(`i${index}`, { contracts: [`s${index % 100}@1`] });
    for (let index = 0; index < registeredMax; index++)
      equal(register(board, tiny(index), 10_000, `l${index}`), "taken");
    equal(register(board, tiny(registeredMax), 10_000, "more"), "full");
    board.deregister("l0", 0);
    equal(register(board, tiny(registeredMax), 10_000, "more"), "taken");
  });

  test("what is no instance is refused and changes nothing", () => {
    const board = new RegistryBoard(0);
    for (const bad of [null, {}, { id: "a" }, { ...instance("a"), state: "odd" }])
      throws(() => register(board, bad as Instance, 1_000, "l"), {
        code: "INVALID_ARGUMENT",
      });
    equal(board.size, 0);
    deepEqual(board.takeChanged().size, 0);
  });

  test("revisions grow with each change of a service, also through its end and return", () => {
    const board = new RegistryBoard(0);
    const seen: number[] = [board.of("orders").revision];
    const act = (work: () => void): void => {
      work();
      seen.push(board.of("orders").revision);
    };
    act(() => register(board, instance("a"), 1_000, "l-1"));
    act(() => register(board, instance("b"), 1_000, "l-2"));
    act(() => board.deregister("l-1", 0));
    act(() => board.deregister("l-2", 0));
    register(board, instance("x", { contracts: ["bills@1"] }), 1_000, "l-3");
    act(() => register(board, instance("a"), 1_000, "l-4"));
    deepEqual(
      seen,
      [...new Set(seen)].toSorted((a, b) => a - b),
    );
  });

  test("whatever is done in whatever order, it holds what a simple model holds", () => {
    const id = fc.constantFrom("a", "b", "c");
    const act = fc.oneof(
      fc.record({
        kind: fc.constant("register" as const),
        id,
        boot: fc.nat(2),
        again: fc.boolean(),
      }),
      fc.record({ kind: fc.constant("renew" as const), lease: fc.nat(12) }),
      fc.record({ kind: fc.constant("deregister" as const), lease: fc.nat(12) }),
      fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(beatMs) }),
    );
    const ttlMs = 2_000;
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const board = new RegistryBoard(0);
        const model = new Map<string, { lease: string; boot: number; until: number }>();
        let [now, leases, heardAt] = [0, 0, 0];
        const settle = (): void => {
          board.advance(now);
          const silent = model.size >= 3 && now - heardAt > ttlMs / 2;
          for (const [name, { until }] of [...model])
            if (until + (silent ? ttlMs : 0) <= now) model.delete(name);
        };
        for (const each of acts) {
          if (each.kind === "pass") now += each.ms;
          else if (each.kind === "register") {
            const lease = `l${leases++}`;
            const { boot } = each;
            const held = model.get(each.id);
            const away = each.again && held !== undefined && held.boot > boot;
            const given = instance(each.id, { bootId: `b${boot}` });
            const ageMs = now - boot; // the higher its number, the younger it is
            equal(
              register(board, given, ttlMs, lease, now, each.again, ageMs),
              away ? "displaced" : "taken",
            );
            if (!away) {
              model.set(each.id, { lease, boot, until: now + ttlMs });
              heardAt = now;
            }
          } else {
            const lease = `l${each.lease}`;
            const held = [...model.values()].find((entry) => entry.lease === lease);
            equal(board[each.kind](lease, now), held !== undefined);
            if (held !== undefined && each.kind === "renew") {
              held.until = now + ttlMs;
              heardAt = now;
            }
            if (held !== undefined && each.kind === "deregister")
              for (const [name, entry] of model) if (entry === held) model.delete(name);
          }
          settle();
          deepEqual(ids(board), [...model.keys()].toSorted());
        }
      }),
      { numRuns: 300 },
    );
  });
});

import { deepEqual, equal, ok } from "node:assert/strict";

import { channels } from "../../base/diagnostics.ts";
import type { Instance } from "../discovery.ts";
import { instance, service, type Case, type Stage } from "./stage.ts";

/** Brings instances into the registry, by whichever means it has. */
async function fill(stage: Stage, instances: readonly Instance[]): Promise<void> {
  if (stage.registry.put !== undefined) return stage.registry.put(service, instances);
  for (const each of instances) await stage.register(each);
}

function addresses(instances: readonly Instance[]): string[] {
  return instances.flatMap((each) => each.addresses).toSorted();
}

export const watchingCases: readonly Case[] = [
  {
    name: "a service of which nobody has heard is told as one without instances",
    play: async (stage) => {
      const { status, instances, revision } = await stage.hear().until(() => true);
      deepEqual({ status, instances }, { status: "ok", instances: [] });
      equal(typeof revision, "number");
    },
  },
  {
    name: "who comes later is told what is there, whole",
    play: async (stage) => {
      const given = [instance("a"), instance("b"), instance("c")];
      await fill(stage, given);
      const heard = stage.hear();
      const told = await heard.until(({ instances }) => instances.length === 3);
      deepEqual(addresses(told.instances), addresses(given));
      equal(heard.watch.current, told);
      equal(told.service, service);
    },
  },
  {
    name: "two who watch are told the same, by one client or by two",
    play: async (stage) => {
      await fill(stage, [instance("a"), instance("b")]);
      const client = stage.client();
      const hearings = [stage.hear(client), stage.hear(client), stage.hear()];
      const told = await Promise.all(
        hearings.map((heard) => heard.until(({ instances }) => instances.length === 2)),
      );
      for (const each of told) deepEqual(each.instances, told[0]!.instances);
    },
  },
  {
    name: "a watch that is closed tells nothing more, and the others go on",
    play: async (stage) => {
      const client = stage.client();
      const [closed, open] = [stage.hear(client), stage.hear(client)];
      await Promise.all([closed, open].map((heard) => heard.until(() => true)));
      await closed.watch.close();
      await closed.watch.close();
      const before = closed.snapshots.length;
      await fill(stage, [instance("a")]);
      open.watch.refresh();
      await open.until(({ instances }) => instances.length === 1);
      closed.watch.refresh();
      await stage.quiet();
      equal(closed.snapshots.length, before);
    },
  },
  {
    name: "a watch may be closed before it has told anything",
    play: async (stage) => {
      const heard = stage.hear();
      await heard.watch.close();
      await stage.quiet();
      deepEqual(heard.snapshots, []);
    },
  },
  {
    name: "a client that is closed tells nothing more",
    play: async (stage) => {
      const client = stage.client();
      const heard = stage.hear(client);
      await heard.until(() => true);
      await client.close();
      await client.close();
      const before = heard.snapshots.length;
      await fill(stage, [instance("a")]);
      await stage.quiet();
      equal(heard.snapshots.length, before);
    },
  },
  {
    name: "instances that are put in by other means are told, and followed",
    grips: ["put"],
    play: async (stage) => {
      const [first, second, third] = [instance("a"), instance("b"), instance("c")];
      await stage.registry.put!(service, [first, second]);
      const heard = stage.hear();
      await heard.until(({ instances }) => instances.length === 2);
      await stage.registry.put!(service, [second, third]);
      if (!stage.capabilities.pushes) heard.watch.refresh();
      const wanted = addresses([second, third]).join();
      await heard.until(({ instances }) => addresses(instances).join() === wanted);
      await stage.registry.put!(service, []);
      if (!stage.capabilities.pushes) heard.watch.refresh();
      await heard.until(({ status, instances }) => status === "ok" && instances.length === 0);
    },
  },
  {
    name: "asking anew changes nothing when nothing has changed: the revision stays, and nobody is woken",
    play: async (stage) => {
      await fill(stage, [instance("a")]);
      const heard = stage.hear();
      await heard.until(({ instances }) => instances.length === 1);
      const before = heard.snapshots.length;
      heard.watch.refresh();
      heard.watch.refresh();
      await stage.quiet();
      equal(heard.snapshots.length, before);
    },
  },
  {
    name: "while the registry does not answer, the last instances go on being told, as `unavailable`",
    grips: ["interrupt"],
    play: async (stage) => {
      await fill(stage, [instance("a"), instance("b")]);
      const heard = stage.hear();
      const before = await heard.until(({ instances }) => instances.length === 2);
      await stage.registry.interrupt!();
      heard.watch.refresh();
      const during = await heard.until(({ status }) => status === "unavailable");
      deepEqual(during.instances, before.instances);
      ok(during.problem !== undefined && during.problem !== "");
      ok(during.revision > before.revision);
      await stage.registry.restore!();
      heard.watch.refresh();
      const after = await heard.until(
        ({ status, instances }) => status === "ok" && instances.length === 2,
      );
      ok(after.revision > during.revision);
    },
  },
  {
    name: "a registry that does not answer at first is told so, and what it says later is told too",
    grips: ["interrupt"],
    play: async (stage) => {
      await stage.registry.interrupt!();
      const heard = stage.hear();
      const told = await heard.until(() => true);
      deepEqual([told.status, told.instances], ["unavailable", []]);
      await stage.registry.restore!();
      heard.watch.refresh();
      await heard.until(({ status }) => status === "ok");
    },
  },
  {
    name: "what changed while the registry did not answer is told when it does again",
    grips: ["interrupt", "put"],
    play: async (stage) => {
      await stage.registry.put!(service, [instance("a"), instance("b")]);
      const heard = stage.hear();
      await heard.until(({ instances }) => instances.length === 2);
      await stage.registry.interrupt!();
      heard.watch.refresh();
      await heard.until(({ status }) => status === "unavailable");
      const next = [instance("c")];
      await stage.registry.put!(service, next);
      await stage.registry.restore!();
      heard.watch.refresh();
      const wanted = addresses(next).join();
      await heard.until(
        ({ status, instances }) => status === "ok" && addresses(instances).join() === wanted,
      );
    },
  },
  {
    name: "what is no instance is left out and reported, and hurts nobody else",
    grips: ["spoil"],
    play: async (stage) => {
      const reports: unknown[] = [];
      const listen = (report: unknown): void => void reports.push(report);
      channels.discovery.subscribe(listen);
      try {
        await fill(stage, [instance("good")]);
        const heard = stage.hear();
        await heard.until(({ instances }) => instances.length === 1);
        await stage.registry.spoil!(service);
        heard.watch.refresh();
        const ignored = (): boolean =>
          reports.some((report) => (report as { what: string }).what === "ignored");
        while (!ignored()) {
          await stage.pass(10);
          heard.watch.refresh();
        }
        equal(heard.last!.status, "ok");
        equal(heard.last!.instances.length, 1);
        if (stage.capabilities.registers) {
          await stage.register(instance("later"));
          await heard.until(({ instances }) => instances.length === 2);
        }
      } finally {
        channels.discovery.unsubscribe(listen);
      }
    },
  },
];

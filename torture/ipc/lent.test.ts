import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { client, close } from "trunkline";
import { addonProblem } from "../../src/os/addon.ts";
import { Caller } from "./calls/caller.ts";
import { Desk } from "./calls/contract.ts";
import { deedsIn, faultsOf } from "./calls/lines.ts";
import { recorded } from "./calls/recorded.ts";
import { ServerChild } from "./calls/server-child.ts";
import { boundFor, limit, unusable } from "./limits.ts";

const skip = addonProblem() ?? unusable("prlimit", "--version");
/** As many requests of all kinds, loans among them. */
const requests = 300;

suite("who borrows and may open no more files", { skip }, () => {
  for (const free of [1, 6])
    test(`with ${free} more, all that is lent comes, and no connection is lost`, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
      t.after(() => rmSync(folder, { recursive: true }));
      const address = `unix:${folder}/desk.sock`;
      const terms = { address, journal: join(folder, "journal") };
      await using server = await new ServerChild(terms).up();
      const { transport, dialled, way } = recorded({ shm: { ringBytes: 65_536 } });
      const desk = client(Desk, address, { transports: [transport] });
      for (let index = 0; way() !== "shm"; index++) await desk.note({ id: `moves-${index}` });
      const pid = String(server.child.pid);
      limit(pid, "nofile", boundFor(pid, free));
      const lines: string[] = [];
      const caller = new Caller(desk, (line) => lines.push(line));
      await caller.run(() => caller.outcomes.length < requests);
      await close(desk);
      const called = deedsIn(lines.join(""));
      deepEqual(faultsOf(server.served(), called), []);
      deepEqual(
        caller.outcomes.flatMap(({ failure }) => failure ?? []),
        [],
      );
      ok([...called.keys()].some((id) => id.startsWith("swap")));
      equal(dialled.length, 1);
      equal(server.complaint, "");
    });
});

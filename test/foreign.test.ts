// RSocket libraries that we did not write call our server, and serve our client, over TCP. What a machine cannot run is
// skipped by name.
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { suite, test } from "node:test";
import { client } from "trunkline";
import { Lab, serveLab } from "./foreign/lab.ts";
import { calling, serving, type Seen } from "./foreign/peer.ts";
import { libraries } from "./foreign/toolchain.ts";

/** The codes of RSocket's ERROR frames. */
const [unsupportedSetup, rejectedSetup] = [0x002, 0x003];
const [applicationError, rejected, invalid] = [0x201, 0x202, 0x204];

/** The body of an error as our server writes it. */
function body({ error }: Seen): Record<string, unknown> {
  return JSON.parse(error!.message) as Record<string, unknown>;
}

for (const { name, prepare, fragments } of libraries) {
  suite(name, async () => {
    const programs = await prepare();
    if (typeof programs === "string") {
      test("calls our server, and serves our client", { skip: programs });
      return;
    }
    const composite = { metadata: "composite" } as const;

    test("calls our server", async () => {
      await using lab = await serveLab();
      const seen = await calling(programs.client, lab.port);
      const step = (what: string): Seen => seen.get(what) ?? {};
      deepEqual(step("echo").value, { item: "kettle" });
      equal(step("wire name").value, "by its wire name");

      const refusals: [step: string, code: number, ours: string, reason: RegExp][] = [
        ["unknown", rejected, "UNIMPLEMENTED", /does not serve lab.missing/],
        ["no metadata", invalid, "INVALID_ARGUMENT", /no route/],
        ["malformed", invalid, "INVALID_ARGUMENT", /cannot be read as json/],
      ];
      for (const [what, code, ours, reason] of refusals) {
        equal(step(what).error?.code, code, what);
        deepEqual([body(step(what))["code"], body(step(what))["executed"]], [ours, "no"]);
        match(String(body(step(what))["reason"]), reason);
      }
      for (const what of ["declared", "system"])
        if (step(what).error?.code !== 0) equal(step(what).error?.code, applicationError);
      const declared = body(step("declared"));
      deepEqual([declared["code"], declared["data"]], ["SOLD_OUT", { item: "kettle" }]);
      deepEqual(
        [body(step("system"))["code"], body(step("system"))["executed"]],
        ["INTERNAL", "yes"],
      );

      const described = (what: string): Record<string, unknown> =>
        step(what).value as Record<string, unknown>;
      deepEqual(described("bearer")["headers"], { authorization: "Bearer t0k" });
      deepEqual(described("simple")["headers"], { authorization: "Basic YW5uOnMz" });
      if (seen.has("trace")) {
        match(String(described("trace")["trace"]), /^00-4bf92f3577b34da6a3ce929d0e0e4736-.*-01$/);
        match(String(described("short trace")["trace"]), /^00-0{16}a3ce929d0e0e4736-.*-01$/);
      }

      deepEqual(step("all"), { items: [...Array(100).keys()], ended: "complete" });
      deepEqual(step("credit"), { items: [...Array(15).keys()], ended: "cancelled" });
      equal(step("large out").value, 1_000_000);
      equal(step("large in").value, 1_000_000);

      deepEqual(step("duplex"), { items: ["A", "B", "C"], ended: "complete" });
      deepEqual(step("upload"), { items: [10], ended: "complete" });

      const happened = step("alive").value as string[];
      ok(happened.includes("note hello"));
      deepEqual(
        happened.filter((what) => what.startsWith("stuck")),
        ["stuck", "stuck cancelled"],
      );
      const [, sent] = /^count cancelled: (\d+) sent$/m.exec(happened.join("\n")) ?? [];
      ok(Number(sent) >= 15 && Number(sent) <= 16, `${sent} items for a credit of 15`);

      equal(step("refused").error?.code, unsupportedSetup);
      match(String(step("refused").error?.message), /x-nobody-knows is not supported/);
      if (seen.has("resume")) equal(step("resume").error?.code, rejectedSetup);
    });

    if (fragments) {
      test("sends and takes large payloads in fragments", async () => {
        await using ours = await serveLab();
        const seen = await calling(programs.client, ours.port, "--fragment");
        equal(seen.get("large out")?.value, 1_000_000);
        equal(seen.get("large in")?.value, 1_000_000);
        deepEqual(seen.get("echo")?.value, { item: "kettle" });
        await using server = await serving(programs.server, "--fragment");
        await using lab = client(Lab, `tcp://127.0.0.1:${server.port}`, composite);
        const answers = [lab.length("x".repeat(1_000_000)), lab.blob(1_000_000), lab.echo("small")];
        const [length, blob, small] = (await Promise.all(answers)) as [number, string, string];
        deepEqual([length, blob.length, small], [1_000_000, 1_000_000, "small"]);
      });
    }

    test("serves our client", async () => {
      await using server = await serving(programs.server);
      await using lab = client(Lab, `tcp://127.0.0.1:${server.port}`, {
        ...composite,
        keepalive: "100ms",
        lifetime: "2s",
      });
      deepEqual(await lab.echo({ item: "kettle" }), { item: "kettle" });
      await rejects(lab.sell({ item: "kettle" }), {
        code: "SOLD_OUT",
        declared: true,
        data: { item: "kettle" },
        executed: "yes",
      });
      await rejects(lab.crash(0), { code: "UNKNOWN", executed: "maybe" });
      await rejects(
        lab.nowhere(0),
        ({ code, executed }) =>
          ["UNKNOWN", "INVALID_ARGUMENT"].includes(code) && executed === "maybe",
      );

      const said = await lab.describe(0, {
        headers: { authorization: "Bearer t0k", tenant: "acme" },
      });
      equal(said["route"], "lab.describe");
      equal(said["authentication"], "bearer t0k");
      deepEqual((said["mimes"] as string[]).toSorted(), [
        "application/vnd.trunkline.call.v1+json",
        "message/x.rsocket.authentication.v0",
        "message/x.rsocket.routing.v0",
        "message/x.rsocket.tracing-zipkin.v0",
      ]);

      const all: number[] = [];
      for await (const item of lab.count(300)) all.push(item);
      deepEqual(all, [...Array(300).keys()]);
      let taken = 0;
      for await (const _ of lab.count(1_000_000)) if (++taken === 20) break;

      equal(await lab.sum([...Array(1_000).keys()]), 499_500);
      const shouted: string[] = [];
      for await (const item of lab.shout(["a", "b", "c"])) shouted.push(item);
      deepEqual(shouted, ["A", "B", "C"]);

      equal(await lab.length("x".repeat(1_000_000)), 1_000_000);
      equal((await lab.blob(1_000_000)).length, 1_000_000);

      await lab.note("hello");
      // Longer than a peer may be silent: it answers our signs of life.
      await rejects(lab.stuck(0, { deadline: "2600ms" }), {
        code: "DEADLINE_EXCEEDED",
        executed: "maybe",
      });
      const gone = new AbortController();
      const stuck = lab.stuck(0, { signal: gone.signal });
      const happened = (): Promise<string[]> => lab.seen(0);
      while ((await happened()).filter((what) => what === "stuck").length < 2);
      gone.abort();
      await rejects(stuck, { code: "CANCELLED" });
      while ((await happened()).filter((what) => what === "stuck cancelled").length < 2);
      ok((await happened()).includes("note hello"));
      const counted = (await happened()).find((what) => what.startsWith("count cancelled"));
      const [, granted, sent] = /: (\d+) granted, (\d+) sent/.exec(counted ?? "")!;
      ok(Number(sent) <= Number(granted) && Number(granted) < 20 + 256, counted);
    });

    test("refuses our own metadata, and is called again in the standard's form", async () => {
      await using server = await serving(programs.server, "--picky");
      await using lab = client(Lab, `tcp://127.0.0.1:${server.port}`);
      const [one, two] = await Promise.all([lab.echo(1), lab.echo(2), lab.note("early")]);
      deepEqual([one, two], [1, 2]);
      ok((await lab.seen(0)).includes("note early"));
    });
  });
}

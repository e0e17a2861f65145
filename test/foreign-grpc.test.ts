// gRPC libraries of other languages call our server, and serve our client, by messages made from our .proto file. What a
// machine cannot run is skipped by name.
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { suite, test } from "node:test";
import { client } from "trunkline";
import { Lab, serveLab } from "./foreign/grpc/lab.ts";
import { grpcLibraries } from "./foreign/grpc/toolchain.ts";
import { calling, serving, type Seen } from "./foreign/peer.ts";

/** What a client saw of a failure. */
interface Failure {
  readonly code: string;
  readonly message: string;
  readonly executed?: string;
  readonly told?: string;
  readonly data?: unknown;
  readonly info?: unknown;
}

for (const { name, prepare } of grpcLibraries) {
  suite(name, async () => {
    const programs = await prepare();
    if (typeof programs === "string") {
      test("calls our server, and serves our client", { skip: programs });
      ok(process.env["CI"] !== "true", `in CI this must run: ${programs}`);
      return;
    }

    test("calls our server", async () => {
      await using lab = await serveLab({ reflection: true });
      const seen = await calling(programs.client, lab.port);
      const step = (what: string): Seen => seen.get(what) ?? {};
      const failure = (what: string): Failure =>
        (step(what) as { failure?: Failure }).failure ?? ({} as Failure);
      const told = (what: string): unknown[] => {
        const { code, executed, told: ours } = failure(what);
        return [code, executed, ours];
      };
      const sample = { text: "ü😀", count: -7, flag: true, tags: ["a", ""] };
      deepEqual(step("echo").value, sample);
      equal(step("large").value, 3_000_000);
      deepEqual(step("compressed"), { value: sample, letters: 100_000 });

      deepEqual(told("kettle"), ["FAILED_PRECONDITION", "yes", "SOLD_OUT"]);
      deepEqual(failure("kettle").data, { item: "kettle" });
      deepEqual(failure("kettle").info, ["SOLD_OUT", "lab", { declared: "true", executed: "yes" }]);
      deepEqual(told("unknown"), ["NOT_FOUND", "yes", "NOT_FOUND"]);
      deepEqual(failure("unknown").data, { item: "unknown" });
      deepEqual(told("nothing"), ["FAILED_PRECONDITION", "yes", "EMPTY"]);
      deepEqual(told("crash"), ["INTERNAL", "yes", "INTERNAL"]);
      deepEqual(told("busy"), ["UNAVAILABLE", "no", "UNAVAILABLE"]);
      equal(failure("busy").message, "no room: 100 % full ü");
      deepEqual(told("too large"), ["RESOURCE_EXHAUSTED", "no", "RESOURCE_EXHAUSTED"]);
      deepEqual(told("unknown method"), ["UNIMPLEMENTED", "no", "UNIMPLEMENTED"]);

      const { headers, trace, timed } = step("beside").value as Record<string, unknown>;
      deepEqual(headers, { tenant: "acme", "data-bin": "AAEC" });
      match(String(trace), /^00-4bf92f3577b34da6a3ce929d0e0e4736-/);
      equal(timed, true);
      equal(failure("deadline").code, "DEADLINE_EXCEEDED");
      const [one, two, over, given] = (step("stuck").items as string[]).toSorted();
      deepEqual(
        [one, two, given],
        ["stuck", "stuck", over === given ? over : "stuck DEADLINE_EXCEEDED"],
      );
      equal(over, "stuck CANCELLED");
      equal(step("note").value, true);

      deepEqual(step("count").items, [...Array(3_000).keys()]);
      deepEqual(step("stumbled").items, [0, 1, 2, 3, 4]);
      deepEqual(told("stumble"), ["FAILED_PRECONDITION", "yes", "SOLD_OUT"]);
      deepEqual(failure("stumble").data, { item: "kettle" });
      equal(step("count cancelled").value, true);
      equal(step("sum").value, 1_999_000);
      equal(step("join").value, "a-b-c");
      deepEqual(told("headless"), ["INVALID_ARGUMENT", "no", "INVALID_ARGUMENT"]);
      equal(step("upload cancelled").value, true);
      deepEqual(step("shout").items, ["A", "B", "C"]);

      deepEqual(step("health").items, [1, 1]);
      equal(failure("health of a stranger").code, "NOT_FOUND");
      deepEqual([step("watch").value, step("watch a stranger").value], [1, 3]);
      const [services, files, unknown] = step("reflection").items as [string[], string[], number];
      for (const service of [
        "lab.v1.Lab",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
      ])
        equal(services.includes(service), true, service);
      deepEqual(files, ["lab/v1/lab.proto", "lab/v1/lab.proto"]);
      equal(unknown, 5);
    });

    test("serves our client", async () => {
      await using server = await serving(programs.server);
      await using lab = client(Lab, `grpc://127.0.0.1:${server.port}`);
      const sample = { text: "ü😀", count: -7, flag: true, tags: ["a", ""] };
      deepEqual(await lab.echo(sample), sample);
      equal((await lab.blob({ letters: 3_000_000 })).text.length, 3_000_000);
      const compress = { headers: { compress: "gzip" } };
      deepEqual(await lab.echo({ ...sample, text: "x".repeat(50_000) }, compress), {
        ...sample,
        text: "x".repeat(50_000),
      });
      const sold = { code: "SOLD_OUT", declared: true, data: { item: "kettle" }, executed: "yes" };
      await rejects(lab.sell({ item: "kettle" }), sold);
      await rejects(lab.sell({ item: "kettle" }), { reason: "sold out: ü 100 %" });
      await rejects(lab.sell({ item: "unknown" }), {
        code: "NOT_FOUND",
        declared: true,
        data: { item: "unknown" },
      });
      await rejects(lab.sell({ item: "nothing" }), { code: "EMPTY", declared: true });
      await rejects(lab.crash(), { code: "UNKNOWN", declared: false, executed: "maybe" });
      await rejects(lab.busy(), { code: "UNAVAILABLE", executed: "maybe" });

      const headers = { tenant: "acme", "data-bin": "AAEC", snow: "❄" };
      const beside = await lab.beside(undefined, { headers, deadline: "30s" });
      deepEqual([beside.headers["tenant"], beside.headers["data-bin"]], ["acme", "000102"]);
      match(beside.trace, /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/);
      equal(beside.timed, true);

      const numbers: number[] = [];
      for await (const { number } of lab.count({ to: 3_000 })) numbers.push(number);
      deepEqual(numbers, [...Array(3_000).keys()]);
      const before: number[] = [];
      const stumbling = async (): Promise<void> => {
        for await (const { number } of lab.stumble({ after: 5 })) before.push(number);
      };
      await rejects(stumbling(), sold);
      deepEqual(before, [0, 1, 2, 3, 4]);
      for await (const { number } of lab.count({ to: 1_000_000_000 })) if (number === 5_000) break;
      const until = async (met: (what: readonly string[]) => boolean): Promise<void> => {
        while (!met((await lab.seen()).what));
      };
      await until((what) => what.includes("count cancelled"));

      const each = [...Array(2_000).keys()].map((number) => ({ number }));
      deepEqual(await lab.sum(each), { sum: 1_999_000 });
      const texts = ["a", "b", "c"].map((text) => ({ text }));
      deepEqual(await lab.join(texts, { head: { separator: "-" } }), { text: "a-b-c" });
      const shouted: string[] = [];
      for await (const { text } of lab.shout(texts)) shouted.push(text);
      deepEqual(shouted, ["A", "B", "C"]);

      await lab.note({ text: "hello" });
      await until((what) => what.includes("note hello"));
      await rejects(lab.stuck(undefined, { deadline: "100ms" }), {
        code: "DEADLINE_EXCEEDED",
        executed: "maybe",
      });
      const gone = new AbortController();
      const stuck = rejects(lab.stuck(undefined, { signal: gone.signal }), {
        code: "CANCELLED",
        executed: "maybe",
      });
      await until((what) => what.filter((one) => one === "stuck").length === 2);
      gone.abort();
      await stuck;
      await until((what) => what.filter((one) => one === "stuck cancelled").length === 2);
    });
  });
}

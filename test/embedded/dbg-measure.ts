import { Scene } from "./processes.ts";
const times: number[] = []; const roles: string[] = [];
for (let i = 0; i < 20; i++) {
  const afters: any[] = [];
  const scene = new Scene({ after: (f: any) => afters.push(f) } as any);
  await scene.start("first");
  const pub = await scene.start("a");
  await scene.start("b");
  pub.order({ order: "publish", from: 0, count: 1500, inFlight: 10 });
  await pub.said("confirmed", 400);
  const t = Number(process.hrtime.bigint() / 1000n);
  process.kill(scene.owner().pid, "SIGKILL");
  await pub.said("published");
  const conf = pub.journal().filter((l) => l.say === "confirmed" && l.at > t).map((l) => l.at);
  let prev = t, gap = 0, end = t;
  for (const c of conf) { if (c - prev > gap) { gap = c - prev; end = c; } prev = c; }
  times.push((end - t) / 1000); roles.push(scene.owner().name);
  for (const f of afters) await f();
}
const s = times.toSorted((a, b) => a - b);
console.log("n", s.length, "median", s[10], "min", s[0], "p90", s[17], "max", s[19], "next owner was the publisher in", roles.filter((r) => r === "a").length);
process.exit(0);

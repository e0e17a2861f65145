import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";

import { realEnv } from "../../base/real-env.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { brokerCases, type BrokerSubject } from "../../broker/suite.ts";
import { rsocket } from "../../protocol/rsocket/index.ts";
import { unix } from "../../transport/unix/index.ts";
import { capabilities } from "./terms.ts";
import { DirectLab } from "./testing/lab.ts";

function run(subject: Pick<BrokerSubject, "env" | "stand">): void {
  for (const each of brokerCases({ capabilities, ...subject }))
    test(each.name, { timeout: 60_000 }, each.run);
}

suite("without a broker, over connections within a process, in virtual time", () => {
  const env = new VirtualEnv();
  const stand = async () => {
    const lab = new DirectLab({ env });
    const open = async (name: string) => lab.openTold(name);
    return { prefix: "suite", open, close: () => lab.close() };
  };
  run({ env: () => env, stand });
});

suite("without a broker, over sockets", () => {
  const env = realEnv();
  const stand = async () => {
    const folder = await mkdtemp(join(tmpdir(), "tl-direct-"));
    const addressOf = (index: number): string => `unix:${join(folder, String(index))}`;
    const lab = new DirectLab({ env, protocol: rsocket(unix()), addressOf });
    const open = async (name: string) => lab.openTold(name);
    const close = async (): Promise<void> => {
      await lab.close();
      await rm(folder, { recursive: true });
    };
    return { prefix: "suite", open, close };
  };
  run({ env: () => env, stand });
});

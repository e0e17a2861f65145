// pika, the library of Python: its cases are in test/foreign/pika, and print what came of each.
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { pythonOf } from "../foreign/toolchain.ts";

export interface Said {
  readonly name: string;
  readonly problem: string | undefined;
}

/** What came of each case against the server at `url`; or what is missing here. */
export async function pikaSays(url: string): Promise<readonly Said[] | string> {
  const program = await pythonOf("pika");
  if (typeof program === "string") return program;
  const { command, args } = program("cases.py");
  const child = spawn(command, [...args, url], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = (await text(child.stdout)).trim().split("\n");
  return lines.map((line) => {
    const {
      case: name,
      ok,
      why,
    } = JSON.parse(line) as {
      readonly case: string;
      readonly ok: boolean;
      readonly why?: string;
    };
    return { name, problem: ok ? undefined : (why ?? "it failed") };
  });
}

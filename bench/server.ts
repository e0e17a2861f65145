// The server of one peer in a process of its own: `server.ts PEER FOLDER`.
import { answer } from "./child.ts";
import { cpuUs, residentBytes } from "./usage.ts";
import { peerNamed } from "./peer-named.ts";

export type ServerQuestion = { readonly ask: "cpu" | "memory" };

const [name, folder] = process.argv.slice(2);
const peer = await peerNamed(name!).load();
const place = await peer.serve!(folder!);

answer(async ({ ask }: ServerQuestion) => (ask === "cpu" ? cpuUs() : residentBytes()), place);

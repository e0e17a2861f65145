// `npm run servers -- install|start|stop|status [NAME…] [--json]`: the servers of somebody else that tests talk to.
import { join } from "node:path";
import { servers } from "./all.ts";
import { install, start, stateOf, stop, type Server } from "./server.ts";

const root = join(import.meta.dirname, "../..");

const acts: Readonly<Record<string, (server: Server, folder: string) => Promise<void>>> = {
  async install(server) {
    const problem = install(server);
    if (problem !== undefined) throw new Error(problem);
  },
  start,
  stop: (_, folder) => stop(folder),
  status: async () => {},
};

async function main(): Promise<number> {
  const words = process.argv.slice(2).filter((word) => word !== "--json");
  const json = process.argv.includes("--json");
  const [act, ...names] = words;
  const unknown = names.find((name) => !servers.some((each) => each.name === name));
  if (act === undefined || !Object.hasOwn(acts, act) || unknown !== undefined) {
    const list = servers.map(({ name }) => name).join(", ");
    console.error(
      `npm run servers -- ${Object.keys(acts).join("|")} [NAME…] [--json]; there are ${list}`,
    );
    return 2;
  }
  let code = 0;
  for (const server of servers.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const folder = join(root, ".cache/servers", server.name);
    let problem: string | undefined;
    try {
      await acts[act]!(server, folder);
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
      code = 1;
    }
    const state = stateOf(server, folder);
    if (json)
      console.log(JSON.stringify({ ...state, ...(problem === undefined ? {} : { problem }) }));
    else
      console.log(`${state.name}  ${told(state)}${problem === undefined ? "" : `\n  ${problem}`}`);
  }
  return code;
}

function told({ installed, running, address }: ReturnType<typeof stateOf>): string {
  if (!installed) return "not installed";
  return running ? `running at ${address}` : "stopped";
}

process.exitCode = await main();

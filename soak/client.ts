// The load in a process of its own: `client.ts PLACES` (JSON).
import { open } from "node:fs/promises";
import { answer } from "../bench/child.ts";
import { figures, type Figures } from "./figures.ts";
import { Ledger, type Counts } from "./ledger.ts";
import { Load, type Places } from "./load.ts";

export interface ClientQuestion {
  /** `open` and `close` all; `rest` until `resume`; `leak` a descriptor, to see that it is noticed. */
  readonly ask: "open" | "rest" | "resume" | "close" | "figures" | "leak";
}

export interface ClientAnswer {
  readonly figures: Figures;
  /** Of the thread that serves; only at rest. */
  readonly thread: Figures | undefined;
  readonly counts: Counts;
  readonly hung: number;
  readonly untyped: number;
  readonly failures: readonly string[];
}

const ledger = new Ledger();
const load = new Load(JSON.parse(process.argv[2]!) as Places, ledger);
const leaked: unknown[] = [];
process.on("unhandledRejection", (error) => {
  ledger.untyped++;
  ledger.fail(`a rejection that nobody handles: ${String(error)}`);
});

answer(async ({ ask }: ClientQuestion): Promise<ClientAnswer> => {
  try {
    await doWhat(ask);
  } catch (error) {
    ledger.fail(`to ${ask}: ${error instanceof Error ? error.stack : String(error)}`);
  }
  const { counts, hung, untyped, failures } = ledger;
  const thread = ask === "rest" ? await load.threadFigures() : undefined;
  return { figures: await figures(), thread, counts, hung, untyped, failures };
});

async function doWhat(ask: ClientQuestion["ask"]): Promise<void> {
  if (ask === "leak") leaked.push(await open("/dev/null"));
  else if (ask !== "figures") await load[ask]();
}

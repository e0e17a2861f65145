import type { Finding } from "../store/finding.ts";
import { leaseShares } from "../store/outbox-rows.ts";
import type { Store } from "../store/store.ts";
import type { Line } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { countOf, shownFindings } from "./findings.ts";
import { printJson } from "./terminal.ts";
import { age, count, several } from "./units.ts";

/** A message that waits for longer is told of, in milliseconds. */
const oldMs = 60_000;
const lanesLooked = 300;

/** Looks at everything that commonly goes wrong with an outbox, and says what to do. */
export async function doctor(line: Line, store: Store): Promise<number> {
  const { terminal, json } = line;
  const findings = await findingsOf(store, line.durationMs("oldest") ?? oldMs);
  const wrong = countOf(findings, "wrong");
  const warnings = countOf(findings, "warning");
  if (json) {
    for (const each of findings) await printJson(terminal, each);
    await printJson(terminal, { ok: wrong === 0, store: store.address, wrong, warnings });
  } else {
    const named = findings.map((each) => withAddress(each, store.address));
    await terminal.print(shownFindings(store.address, named, terminal));
  }
  return wrong === 0 ? exitCodes.ok : exitCodes.found;
}

async function findingsOf(store: Store, oldestMs: number): Promise<readonly Finding[]> {
  const missing = (await store.migrations()).filter(({ ranAt }) => ranAt === undefined);
  if (missing.length > 0)
    return [
      {
        about: "migrations",
        state: "wrong",
        seen: `${several(missing.length, "migration")} not run: ${missing.map(({ name }) => name).join(", ")}`,
        advice: `processes refuse to start until they are: trunkline store migrate ${store.address}`,
      },
    ];
  return [
    { about: "migrations", state: "fine", seen: "all were run" },
    ...(await ofRows(store, oldestMs)),
    ...((await store.examine?.()) ?? []),
    ...((await store.log?.examine()) ?? []),
  ];
}

async function ofRows(store: Store, oldMost: number): Promise<Finding[]> {
  const { pending, oldestMs, dead, relays, unleased, lanes } =
    await store.outbox.status(lanesLooked);
  const standing = lanes.filter(({ refusals }) => refusals > 0);
  const names = standing.slice(0, 5).map(({ lane }) => lane);
  return [
    finding("relays", relays > 0 && unleased < leaseShares, {
      fine: `${several(relays, "relay")}, ${unleased} of ${leaseShares} shares of the lanes are nobody's`,
      wrong: "nobody relays",
      advice:
        "start a process with this store and a broker: chassis({ store, messages }), and let its user write to trunkline_outbox_lease",
    }),
    finding("oldest", oldestMs <= oldMost, {
      fine: `${count(pending)} pending, the oldest ${age(oldestMs)} old`,
      wrong: `${count(pending)} pending, and the oldest has waited for ${age(oldestMs)}`,
      advice:
        "nobody relays, the broker is away, the lanes stand, or the relays are too few: stats().outboxes of a relay says trouble",
    }),
    finding("lanes", standing.length === 0, {
      fine: "no lane stands",
      wrong: `${several(standing.length, "lane")} with a message that the broker refuses: ${names.join(", ")}${standing.length > names.length ? " …" : ""}`,
      advice:
        "what is behind it in its lane waits: stats().outboxes and trunkline:outbox say why it is refused; too large, or nobody there who must be",
    }),
    finding("dead", dead === 0, {
      fine: "no message was given up",
      wrong: `${several(dead, "message")} given up`,
      advice: `trunkline outbox dead ${store.address} says why; mend that, then trunkline outbox redrive`,
    }),
  ];
}

function finding(
  about: string,
  fine: boolean,
  told: { readonly fine: string; readonly wrong: string; readonly advice: string },
): Finding {
  return fine
    ? { about, state: "fine", seen: told.fine }
    : { about, state: "wrong", seen: told.wrong, advice: told.advice };
}

/** Advice is written for any store: `trunkline outbox dead ADDRESS`. */
function withAddress(found: Finding, address: string): Finding {
  const { advice } = found;
  return advice === undefined ? found : { ...found, advice: advice.replace("ADDRESS", address) };
}

import type { Command, Line } from "./command.ts";
import { UsageError } from "./command.ts";
import { didYouMean } from "./closest.ts";
import { contractDiff, formats } from "./contract-diff.ts";
import { contractLock, contractSchema } from "./contract-lock.ts";
import { deadlineOption } from "./deadline.ts";

const acts: Readonly<Record<string, (line: Line) => Promise<number>>> = {
  diff: contractDiff,
  lock: contractLock,
  schema: contractSchema,
};

/** What can be done with contracts themselves, whether or not somebody serves them. */
export const contract: Command = {
  name: "contract",
  summary: "compare contracts, lock them, print their schemas",
  usage: "diff OLD NEW | lock MODULE | schema MODULE [CONTRACT]",
  about:
    "OLD and NEW are modules that export contracts, lock files, or addresses.\nA module is loaded, so its code runs.",
  options: {
    format: { value: "NAME", about: `diff: the wire, ${formats.join(", ")}; default json` },
    lock: { value: "FILE", about: "diff: Protobuf numbers; default proto.lock.json" },
    lenient: { about: "diff: let pass what cannot be judged" },
    out: { value: "FILE", about: "lock: where to write; default contracts.lock.json" },
    check: { about: "lock: only tell whether the file is up to date" },
    ...deadlineOption,
  },
  examples: [
    "contract lock orders.contract.ts",
    "contract diff contracts.lock.json orders.contract.ts",
    "contract diff unix:./run/orders.sock orders.contract.ts --json",
    "contract schema orders.contract.ts orders",
  ],
  words: Object.keys(acts),
  async run(line) {
    const name = line.word(0, Object.keys(acts).join(", "));
    if (Object.hasOwn(acts, name)) return acts[name]!(line);
    throw new UsageError(`contract cannot "${name}"; ${didYouMean(name, Object.keys(acts))}`);
  },
};

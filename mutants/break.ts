// Preloaded into a test run (`--import`): puts the mutant named by TRUNKLINE_MUTANT into the library as it is loaded.
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { broken, root } from "./mutant.ts";
import { mutants } from "./table.ts";

const name = process.env["TRUNKLINE_MUTANT"];
const mutant = mutants.find((each) => each.name === name);
if (mutant === undefined) throw new Error(`there is no mutant "${name}"`);
const target = pathToFileURL(join(root, mutant.file)).href;
const source = broken(mutant);

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    // Some tests load a source a second time, in a copy of their own.
    return url.split("?")[0] === target ? { ...loaded, source } : loaded;
  },
});

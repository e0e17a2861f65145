// A till: `replica.ts within|apart DATABASE FOLDER NAME STEP`. It pays within the transaction that it is given, or apart from its keys,
// and dies at the step.
import { join } from "node:path";
import { chassis, serve, storeKeys } from "trunkline";
import { databaseOf } from "./database.ts";
import { dyingStore } from "./dying-store.ts";
import { Till } from "./till.ts";

const [way, address = "", folder = "", name = "", step = ""] = process.argv.slice(2);
process.on("disconnect", () => process.exit(1)); // the parent is gone
const { store: real, paid } = databaseOf(address);
const { store, at } = dyingStore(real, step);
const effect = async (tx: unknown, id: string): Promise<string> => {
  at("before effect");
  await paid(tx, id);
  at("after effect");
  return id;
};
await chassis({
  name,
  listen: `unix:${join(folder, `${name}.sock`)}`,
  admission: false,
  register: { discovery: `directory:${join(folder, "services")}` },
  ...(way === "apart" ? { keys: storeKeys(store, { leaseMs: 1_000 }) } : {}),
  serve: [
    way === "within"
      ? serve(Till, { pay: (id, { tx }) => effect(tx, id) }, { store })
      : serve(Till, { pay: (id) => store.transaction(({ native }) => effect(native, id)) }),
  ],
});
process.send!("ready");

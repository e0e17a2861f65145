// A registry as a process of its own, which keeps nothing: when it is killed and started again it knows nobody.
import { chassis } from "trunkline";
import { registry } from "trunkline/registry";

const [listen = ""] = process.argv.slice(2);
process.on("disconnect", () => process.exit());
const { services } = await registry();
await chassis({ name: "registry", listen, serve: services });
process.send!("ready");

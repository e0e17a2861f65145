// The child of the peer "child_process": answers orders, and says what it has used when there is none.
import { cpuUs } from "../usage.ts";
import { answerTo, type Order } from "../work.ts";

process.on("message", ({ id, order }: { id: number; order?: Order }) => {
  process.send!({ id, answer: order === undefined ? cpuUs() : answerTo(order) });
});
process.on("disconnect", () => process.exit());
process.send!("ready");

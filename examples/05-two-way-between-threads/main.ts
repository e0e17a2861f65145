// A conversation with a thread: each line is said when the answer to the one before has come.
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { client } from "trunkline";
import { Interpreter } from "./interpreter.contract.ts";

const thread = new Worker(join(import.meta.dirname, "interpreter.ts"));
await using interpreter = client(Interpreter, "worker:interpreter");

const answers: ((answer: string) => void)[] = [];
async function* conversation(): AsyncGenerator<string> {
  for (const line of ["good morning", "how do you do"]) {
    const answer = new Promise<string>((resolve) => answers.push(resolve));
    yield line;
    console.log(`${line} → ${await answer}`);
  }
}
for await (const said of interpreter.interpret(conversation(), { head: { into: "morse" } })) {
  const waiting = answers.shift();
  if (waiting === undefined) console.log(said);
  else waiting(said);
}

// Anything that can be iterated gives items; leaving the loop ends both directions.
const words = ["one", "two", "three"];
for await (const shouted of interpreter.interpret(words, { head: { into: "shouting" } })) {
  console.log(shouted);
  if (shouted === "TWO!") break;
}
await thread.terminate();

// The thread: what it computes does not hold up the main thread.
import { chassis, serve } from "trunkline";
import { Interpreter } from "./interpreter.contract.ts";

const morse = Object.fromEntries(
  ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.."
    .split(" ")
    .map((code, index) => [String.fromCharCode(97 + index), code]),
);

function interpret(line: string, into: "morse" | "shouting"): string {
  if (into === "shouting") return `${line.toUpperCase()}!`;
  return Array.from(line.toLowerCase(), (letter) => morse[letter] ?? "/").join(" ");
}

await chassis({
  name: "interpreter",
  listen: "worker:interpreter",
  serve: [
    serve(Interpreter, {
      async *interpret(lines, { head }) {
        for await (const line of lines) yield interpret(line, head.into);
        yield "(end)"; // the caller has said all; we may still say something
      },
    }),
  ],
});

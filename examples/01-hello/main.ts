// Serves a contract and calls it. In real life the two halves are two programs: see example 02.
import { chassis, client, serve } from "trunkline";
import { Greeter } from "./greeter.contract.ts";

await using app = await chassis({
  name: "greeter",
  listen: "unix:./greeter.sock",
  serve: [
    serve(Greeter, {
      async hello({ name }, { errors }) {
        if (name === "Mallory") throw errors.UNWELCOME({ name });
        return { text: `Hello, ${name}!` };
      },
    }),
  ],
});
console.log(`${app.name} is ready: ${app.ready}`);

await using greeter = client(Greeter, "unix:./greeter.sock");

const { text } = await greeter.hello({ name: "Ada" });
console.log(text);

// `.result()` never throws what the contract or Trunkline can say; the error's data has its type.
const result = await greeter.hello.result({ name: "Mallory" });
if (!result.ok && result.error.code === "UNWELCOME") {
  console.log(`${result.error.data.name} is not welcome (executed: ${result.error.executed})`);
}

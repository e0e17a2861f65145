// The client of a broker in a process of its own: `load.ts raw|amqplib|rabbitmq-client|nats`.
import { answer } from "../child.ts";
import { libraryLoad, type Library } from "./libraries.ts";
import type { LoadTold } from "./load-client.ts";
import { rawLoad, type LoadQuestion } from "./raw-load.ts";

const [client] = process.argv.slice(2);

/** What fails with one broker is told, so that the others are measured all the same. */
async function told(question: LoadQuestion): Promise<LoadTold> {
  try {
    if (client === "raw") return await rawLoad(question);
    return await libraryLoad(client as Library, question);
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}

answer(told);

// The client of a broker in a process of its own: `load.ts raw|amqplib|rabbitmq-client|nats`.
import { answer } from "../child.ts";
import { libraryLoad, type Library } from "./libraries.ts";
import { rawLoad, type LoadQuestion } from "./raw-load.ts";

const [client] = process.argv.slice(2);

answer((question: LoadQuestion) =>
  client === "raw" ? rawLoad(question) : libraryLoad(client as Library, question),
);

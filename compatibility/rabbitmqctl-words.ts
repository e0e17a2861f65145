// Stands for `rabbitmqctl`: passes its words to the process that runs the broker, and prints what that says.
import { connect } from "node:net";
import { json } from "node:stream/consumers";

const [path = "", ...words] = process.argv.slice(2);
const socket = connect(path);
socket.end(JSON.stringify(words));
const { code, out } = (await json(socket)) as { readonly code: number; readonly out: string };
if (out !== "") (code === 0 ? process.stdout : process.stderr).write(`${out}\n`);
process.exitCode = code;

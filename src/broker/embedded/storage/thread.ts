import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { Database } from "./database.ts";
import { failureOf } from "./failure.ts";
import type {
  Answer,
  AskMessage,
  BatchMessage,
  Question,
  ThreadData,
  ThreadMessage,
} from "./messages.ts";
import { UpkeepWork } from "./upkeep.ts";

// The thread that has the file: writes one batch after the other, and answers between them. It waits for the disk, so that the
// event loop of the process need not.

const port = parentPort as MessagePort;
const data = workerData as ThreadData;

function say(message: ThreadMessage, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

/** Says why it ends, and ends. Never tries again what failed: what the disk has of it, nobody knows. */
function fail(error: unknown): void {
  say({ kind: "failed", failure: failureOf(error, data.path) });
  port.close();
}

function serve(database: Database): void {
  const upkeep = new UpkeepWork(database);

  function answer(question: Question): Answer {
    const { reader } = database;
    switch (question[0]) {
      case "read":
        return reader.read(question[1], question[2], question[3], question[4], question[5]);
      case "seek":
        return reader.seek(question[1], question[2]);
      case "look":
        return database.look(question[1]);
      case "due":
        return reader.due(question[1], question[2]);
      case "figures":
        return upkeep.figures();
      case "upkeep":
        return upkeep.piece(question[1], question[2]);
      case "close":
        database.close();
        return undefined;
    }
  }

  function write(message: BatchMessage): void {
    const { batch, numbers, bytes } = message;
    database.write(message);
    const freeBytes = upkeep.wrote(message.size);
    say({ kind: "done", batch, numbers, bytes, freeBytes }, [numbers, bytes]);
  }

  port.on("message", (message: BatchMessage | AskMessage) => {
    try {
      if (message.kind === "batch") return write(message);
      const given = answer(message.question);
      const packed = message.question[0] === "read" ? (given as { bytes: Uint8Array }).bytes : null;
      say(
        { kind: "answer", id: message.id, answer: given },
        packed === null ? [] : [packed.buffer as ArrayBuffer],
      );
      if (message.question[0] === "close") port.close();
    } catch (error) {
      fail(error);
    }
  });
}

try {
  const database = new Database(data);
  serve(database);
  const { found, compact } = { found: database.found(), compact: database.lanes.compact() };
  say({ kind: "open", found, compact, freeBytes: database.freeBytes() });
} catch (error) {
  fail(error);
}

import { endFlag, trailersFlag } from "../wire/envelope.ts";
import { failureJson } from "../wire/json-failure.ts";
import { toldBeside, type ToldFailure } from "../wire/failure.ts";
import { writeRpcStatus } from "../wire/rpc-status.ts";
import { percentEncode } from "../wire/text.ts";
import type { Form } from "./body-reply.ts";

/** gRPC-Web: the trailers are the last envelope, written as HTTP/1.1 writes headers. `text`: all of it in base64. */
export function webForm(contentType: string, text: boolean): Form {
  return {
    contentType,
    encodingHeader: "grpc-encoding",
    last: (failure) => [trailersFlag, webTrailers(failure)],
    ...(text ? { written: (memory) => Buffer.from(memory.toString("base64"), "latin1") } : {}),
  };
}

function webTrailers(failure: ToldFailure | undefined): string {
  if (failure === undefined) return "grpc-status: 0\r\n";
  const { status, message } = failure;
  const lines = [`grpc-status: ${status}`];
  if (message !== "") lines.push(`grpc-message: ${percentEncode(message)}`);
  for (const [name, value] of toldBeside(failure)) lines.push(`${name}: ${value}`);
  const details = Buffer.from(writeRpcStatus(failure)).toString("base64");
  lines.push(`grpc-status-details-bin: ${details}`);
  return lines.map((line) => `${line}\r\n`).join("");
}

/** The streams of Connect: the last envelope is JSON, with the error if there is one, and with metadata. */
export function connectForm(contentType: string): Form {
  return {
    contentType,
    encodingHeader: "connect-content-encoding",
    last: (failure) => [endFlag, connectEnd(failure)],
  };
}

function connectEnd(failure: ToldFailure | undefined): string {
  if (failure === undefined) return "{}";
  const metadata = Object.fromEntries(toldBeside(failure).map(([name, value]) => [name, [value]]));
  return JSON.stringify({ error: failureJson(failure), metadata });
}

import type { SystemError } from "../../../base/error.ts";
import { acceptanceHeader } from "../wire/header-names.ts";
import { bodyFormOf, decodeBody, type BodyForm } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import { inputOf, type Said } from "./input.ts";
import { hasBody } from "./messages.ts";
import { refusal, type Refusal } from "./refusal.ts";
import { UploadItems } from "./upload-items.ts";

/** Runs an upload: its head first, then its items as the handler reads them. */
export function serveUpload(exchange: Exchange, said: Said): Refusal | undefined {
  const { request, endpoint, home } = exchange;
  const { route, formats } = endpoint!;
  const form = hasBody(request)
    ? bodyFormOf(request, formats)
    : { written: formats.body!, coding: undefined };
  if ("error" in form) return form;
  if (request.readableEnded === true && hasBody(request)) return alreadyRead();
  const headed = route.head !== "none";
  home.began(exchange);
  const items = new UploadItems(exchange, form, headed);
  if (form.written.framing === "octets" || waitsForLeave(exchange, headed, form)) {
    begin(exchange, said, items, undefined);
    return undefined;
  }
  // Our own clients send the head without being asked, and wait with their items.
  if (headed && request.headers[acceptanceHeader] === undefined) exchange.accepted();
  items.readHead((head) => {
    if (exchange.gone) return;
    if (head === undefined && headed)
      return exchange.refuse(refusal("INVALID_ARGUMENT", "the body does not begin with its head"));
    if (head === undefined || (head.length === 0 && !headed))
      return begin(exchange, said, items, undefined);
    const { head: codec } = form.written;
    const read = decodeBody({ ...form.written, codec: codec! }, head);
    if ("error" in read) return exchange.refuse(read);
    begin(exchange, said, items, read.value);
  });
  return undefined;
}

function alreadyRead(): Refusal {
  return refusal("INTERNAL", "the items were read before they came here", 500, undefined, {
    advice: "put restMount() before what parses bodies",
  });
}

/**
 * Who waits before it sends anything is started at once where no head is needed. Trunkline's own clients wait too, but send a
 * head first, empty or not.
 */
function waitsForLeave({ request }: Exchange, headed: boolean, { written }: BodyForm): boolean {
  if (headed || request.headers[acceptanceHeader] !== undefined) return false;
  return written.framing === "lines" || request.headers.expect !== undefined;
}

function begin(exchange: Exchange, said: Said, items: UploadItems, body: unknown): void {
  let head: unknown;
  try {
    head = inputOf(exchange, said, body);
  } catch (error) {
    exchange.refuse({ error: error as SystemError });
    items.drop();
    return;
  }
  void run(exchange, head, items);
}

async function run(exchange: Exchange, head: unknown, items: UploadItems): Promise<void> {
  const { endpoint, incoming } = exchange;
  exchange.running = true;
  try {
    const output = await endpoint!.served.upload(head, items, incoming!);
    exchange.running = false;
    const sending = exchange.answer(output);
    if (sending !== undefined) await sending;
  } catch (error) {
    exchange.running = false;
    exchange.fail(error);
  }
  items.drop();
  exchange.over();
}

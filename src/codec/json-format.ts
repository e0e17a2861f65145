import type { Format } from "./format.ts";
import { json } from "./json.ts";

/** JSON (RFC 8259) as a format: spoken by everybody, whatever else is chosen. */
export const jsonFormat: Format = {
  name: json.name,
  id: json.id,
  mediaTypes: ["application/json", "text/json"],
  text: true,
  codec: () => json,
};

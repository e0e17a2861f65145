import { systemError } from "../../base/error.ts";

/** Throws for a server that cannot do what the statements need: window functions, and JSON as a table. */
export function checkVersion(text: string): void {
  const mariadb = /mariadb/i.test(text);
  // Some put another version before their own: a replica that is to look older, a service that counts its own releases behind.
  const number = mariadb ? /(\d+)\.(\d+)\.(\d+)-mariadb/i : /(\d+)\.(\d+)\.(\d+|mysql_aurora)/;
  const [, first = "0", second = "0", third = "0"] = number.exec(text) ?? [];
  const [major, minor, patch] = [Number(first), Number(second), Number.parseInt(third)];
  const [a, b, c] = mariadb ? [10, 6, 0] : [8, 0, 11];
  const enough = major !== a ? major > a : minor !== b ? minor > b : !(patch < c);
  if (enough) return;
  throw systemError("UNIMPLEMENTED", `the server is ${mariadb ? "MariaDB" : "MySQL"} ${text}`, {
    executed: "no",
    advice: "MySQL 8.0.11 or later, or MariaDB 10.6 or later, is needed",
  });
}

/** A code point has at most 3 bytes for each of its UTF-16 units. */
const bytesPerUnitMax = 3;

/** Throws for a statement that the server would answer by closing the connection. */
export function checkPacket(text: string, bytesMax: number): void {
  if (text.length * bytesPerUnitMax < bytesMax) return;
  const bytes = Buffer.byteLength(text);
  if (bytes < bytesMax) return;
  throw systemError(
    "INVALID_ARGUMENT",
    `a statement of ${bytes} bytes, and the server takes ${bytesMax}`,
    {
      executed: "no",
      advice:
        "raise max_allowed_packet of the server (bytes of a message count twice, as hexadecimal text), or send less at once",
    },
  );
}

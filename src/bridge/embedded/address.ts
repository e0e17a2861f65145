import { fileURLToPath } from "node:url";
import { resolve } from "node:path";
import { systemError, type TrunklineError } from "../../base/error.ts";

/** The folder that an address names: `file:./data`, `file:/var/lib/orders`, `file:///var/lib/orders`. @throws TrunklineError INVALID_ARGUMENT. */
export function folderAt(address: string): string {
  const [, path] = /^file:(.+)$/s.exec(address) ?? [];
  if (path === undefined) throw noFolder(address);
  if (path.includes("?")) throw noOptions(address);
  if (!path.startsWith("//")) return resolve(path);
  try {
    return fileURLToPath(address);
  } catch {
    throw noFolder(address); // another host, or what no path can have
  }
}

function noFolder(address: string): TrunklineError {
  return systemError("INVALID_ARGUMENT", `"${address}" names no folder of this machine`, {
    executed: "no",
    advice: "write file:./data or file:/var/lib/orders",
  });
}

/** What looks like the options of another broker's address would silently be a folder with that name. */
function noOptions(address: string): TrunklineError {
  return systemError("INVALID_ARGUMENT", `"${address}" has a "?": options do not stand in it`, {
    executed: "no",
    advice:
      "write the folder alone, file:./data; options are those of file() of trunkline/broker/embedded",
  });
}

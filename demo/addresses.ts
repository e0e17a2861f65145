import { readFileSync } from "node:fs";
import { basename, join } from "node:path";

/** Where each process registers what it serves, and finds by name what others do: a private folder. */
export function registryOf(folder: string): string {
  return `directory:${join(folder, "services")}`;
}

/** Where a process listens that shares its host with whoever calls it. Told to nobody who can ask for it by name. */
export function addressOf(folder: string, name: string): string {
  const port = portsOf(folder)[name];
  return port === undefined ? `unix:${join(folder, `${name}.sock`)}` : `tcp://127.0.0.1:${port}`;
}

/** The name of the process behind such an address. */
export function nameAt(address: string): string {
  const named = Object.entries(ports ?? {}).find(([, port]) => address.endsWith(`:${port}`));
  return named?.[0] ?? basename(address, ".sock");
}

/** Where the ports of all processes stand by name, in a demo that is written with addresses of TCP only. */
export function portsFileOf(folder: string): string {
  return join(folder, "ports.json");
}

let ports: Readonly<Record<string, number>> | undefined;

/** Read once: a process has one folder. Empty where addresses are socket files. */
function portsOf(folder: string): Readonly<Record<string, number>> {
  if (ports !== undefined) return ports;
  try {
    ports = JSON.parse(readFileSync(portsFileOf(folder), "utf8")) as Record<string, number>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    ports = {};
  }
  return ports;
}

/** Where a tower can be asked by gRPC, beside that. */
export function grpcSocketOf(folder: string, name: string): string {
  return join(folder, `${name}.grpc.sock`);
}

import { basename, join } from "node:path";

/** Where each process registers what it serves, and finds by name what others do: a private folder. */
export function registryOf(folder: string): string {
  return `directory:${join(folder, "services")}`;
}

/** Where a process listens that shares its host with whoever calls it. Told to nobody who can ask for it by name. */
export function addressOf(folder: string, name: string): string {
  return `unix:${join(folder, `${name}.sock`)}`;
}

/** The name of the process behind such an address. */
export function nameAt(address: string): string {
  return basename(address, ".sock");
}

/** Where a tower can be asked by gRPC, beside that. */
export function grpcSocketOf(folder: string, name: string): string {
  return join(folder, `${name}.grpc.sock`);
}

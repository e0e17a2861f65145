import { join } from "node:path";

/** Where each process listens: the only place that says how they are connected. */
export function addressOf(folder: string, name: string): string {
  return `unix:${join(folder, `${name}.sock`)}`;
}

/** Where a tower can be asked by gRPC, beside that. */
export function grpcSocketOf(folder: string, name: string): string {
  return join(folder, `${name}.grpc.sock`);
}

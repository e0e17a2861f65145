// Not a server, but brought the same way: a client of Prisma, generated from a schema as its users do. Prisma's CLI would like to
// download its engine for migrations; to generate needs none, so it is told that it has one.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { printed } from "./command.ts";

const root = join(import.meta.dirname, "../..");

export interface GeneratedPrisma extends Disposable {
  /** The folder with `client/client.ts`. */
  readonly folder: string;
  /** Its `PrismaClient`, which takes an adapter. */
  readonly PrismaClient: new (options: { readonly adapter: unknown }) => PrismaClient;
}

/** What tests use of it. */
export interface PrismaClient {
  $transaction<T>(
    work: (tx: PrismaTransaction) => Promise<T>,
    options?: { maxWait?: number; timeout?: number },
  ): Promise<T>;
  $queryRawUnsafe<T>(sql: string, ...values: unknown[]): Promise<T>;
  $disconnect(): Promise<void>;
}

export type PrismaTransaction = Pick<PrismaClient, "$queryRawUnsafe">;

/** Generates a client for models in Prisma's language. It lies in the repository, as it imports `@prisma/client`. */
export async function generatedPrisma(
  provider: "postgresql" | "sqlite",
  models = "",
): Promise<GeneratedPrisma> {
  mkdirSync(join(root, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(root, ".cache/prisma-"));
  const schema = `generator client {
  provider = "prisma-client"
  output   = "./client"
}
datasource db {
  provider = "${provider}"
}
${models}`;
  writeFileSync(join(folder, "schema.prisma"), schema);
  const cli = join(root, "node_modules/prisma/build/index.js");
  await printed("env", [
    `PRISMA_SCHEMA_ENGINE_BINARY=${process.execPath}`,
    "PRISMA_HIDE_UPDATE_MESSAGE=1",
    "CHECKPOINT_DISABLE=1",
    process.execPath,
    cli,
    "generate",
    `--schema=${join(folder, "schema.prisma")}`,
  ]);
  const generated = (await import(join(folder, "client/client.ts"))) as Pick<
    GeneratedPrisma,
    "PrismaClient"
  >;
  return {
    folder,
    PrismaClient: generated.PrismaClient,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

import { realEnv } from "../../base/real-env.ts";
import { BuilderDriver } from "../sql/builder.ts";
import { SqlStore } from "../sql/sql-store.ts";
import type { Store } from "../store.ts";
import { prismaBuilder, type PrismaDatabase, type PrismaOptions } from "./builder.ts";

/**
 * A store in the database that Prisma speaks with, PostgreSQL, MySQL or SQLite: `prisma(client)`. Its transactions are Prisma's
 * interactive ones, so what handlers are given is a `Prisma.TransactionClient`, and `publish` takes one that you have begun.
 */
export function prisma<Tx>(client: PrismaDatabase<Tx>, options: PrismaOptions = {}): Store<Tx> {
  const env = options.env ?? realEnv();
  return new SqlStore(new BuilderDriver(prismaBuilder(client, options), env), env);
}

import { nginx } from "./nginx.ts";
import type { Server } from "./server.ts";

/** Every server that `npm run servers` knows. */
export const servers: readonly Server[] = [nginx];

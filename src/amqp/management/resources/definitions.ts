import { exportDefinitions } from "../../../broker/embedded/definitions/export.ts";
import { importDefinitions } from "../../../broker/embedded/definitions/import.ts";
import type { Json } from "../../../broker/embedded/storage.ts";
import { ok, type Asked, type Reply } from "../asked.ts";
import type { Route } from "../routes.ts";

function exported({ node }: Asked, host?: string): Reply {
  return ok(exportDefinitions(node, host) as unknown as Json);
}

async function imported({ node, body }: Asked, host?: string): Promise<Reply> {
  const { left } = await importDefinitions(node, body, host);
  return left.length === 0 ? { status: 204 } : ok({ left });
}

export const definitionRoutes: readonly Route[] = [
  {
    path: "definitions",
    role: "administrator",
    GET: (asked) => exported(asked),
    POST: (asked) => imported(asked),
  },
  {
    path: "definitions/:vhost",
    role: "administrator",
    GET: (asked) => exported(asked, asked.host().name),
    POST: (asked) => imported(asked, asked.host().name),
  },
];

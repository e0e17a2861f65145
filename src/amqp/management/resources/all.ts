import type { Route } from "../routes.ts";
import { bindingRoutes } from "./bindings.ts";
import { connectionRoutes } from "./connections.ts";
import { definitionRoutes } from "./definitions.ts";
import { exchangeRoutes } from "./exchanges.ts";
import { healthRoutes } from "./health.ts";
import { hostRoutes } from "./hosts.ts";
import { limitRoutes } from "./limits.ts";
import { messageRoutes } from "./messages.ts";
import { overviewRoutes } from "./overview.ts";
import { permissionRoutes } from "./permissions.ts";
import { policyRoutes } from "./policies.ts";
import { queueRoutes } from "./queues.ts";
import { userRoutes } from "./users.ts";

export const allRoutes: readonly Route[] = [
  ...bindingRoutes,
  ...connectionRoutes,
  ...definitionRoutes,
  ...exchangeRoutes,
  ...healthRoutes,
  ...hostRoutes,
  ...limitRoutes,
  ...messageRoutes,
  ...overviewRoutes,
  ...permissionRoutes,
  ...policyRoutes,
  ...queueRoutes,
  ...userRoutes,
];

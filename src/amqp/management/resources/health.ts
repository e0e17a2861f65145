import { ok, type Asked, type Reply } from "../asked.ts";
import type { Route } from "../routes.ts";

/** All is well unless the storage has failed: then nothing is safe any more. */
function alive({ place }: Asked): Reply {
  const { failure } = place;
  return failure === undefined ? ok({ status: "ok" }) : failed(failure.reason);
}

function failed(reason: string): Reply {
  return { status: 503, body: { status: "failed", reason } };
}

function alarms(asked: Asked): Reply {
  const { blocked } = asked.node;
  return blocked === undefined
    ? alive(asked)
    : failed(`there is too little ${blocked}: publishers wait`);
}

function port({ place }: Asked, wanted: number): Reply {
  const ports = place.listeners().map((each) => each.port);
  if (ports.includes(wanted)) return ok({ status: "ok", port: wanted });
  return {
    status: 503,
    body: { status: "failed", reason: "No active listener", missing: wanted, ports },
  };
}

function protocol({ place }: Asked, wanted: string): Reply {
  const protocols = place.listeners().map((each) => each.protocol);
  if (protocols.includes(wanted)) return ok({ status: "ok", protocol: wanted });
  return {
    status: 503,
    body: { status: "failed", reason: "No active listener", missing: wanted, protocols },
  };
}

export const healthRoutes: readonly Route[] = [
  { path: "health/checks/alarms", GET: alarms },
  { path: "health/checks/local-alarms", GET: alarms },
  { path: "health/checks/virtual-hosts", GET: alive },
  { path: "health/checks/is-in-service", GET: alive },
  { path: "health/checks/ready-to-serve-clients", GET: alive },
  { path: "health/checks/metadata-store/initialized", GET: alive },
  // What these ask about is a cluster, and this is one node.
  { path: "health/checks/node-is-mirror-sync-critical", GET: alive },
  { path: "health/checks/node-is-quorum-critical", GET: alive },
  {
    path: "health/checks/port-listener/:port",
    GET: (asked) => port(asked, Number(asked.the("port"))),
  },
  {
    path: "health/checks/protocol-listener/:protocol",
    GET: (asked) => protocol(asked, asked.the("protocol")),
  },
];

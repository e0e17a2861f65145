import { ok, type Asked, type Reply } from "../asked.ts";
import type { Route } from "../routes.ts";

const fine: Reply = ok({ status: "ok" });

function failed(reason: string): Reply {
  return { status: 503, body: { status: "failed", reason } };
}

function alarms({ node }: Asked): Reply {
  const { blocked } = node;
  return blocked === undefined ? fine : failed(`there is too little ${blocked}: publishers wait`);
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
  { path: "health/checks/virtual-hosts", GET: () => fine },
  { path: "health/checks/is-in-service", GET: () => fine },
  { path: "health/checks/ready-to-serve-clients", GET: () => fine },
  { path: "health/checks/below-node-connection-limit", GET: () => fine },
  { path: "health/checks/metadata-store/initialized", GET: () => fine },
  // What these ask about is a cluster, and this is one node.
  { path: "health/checks/node-is-mirror-sync-critical", GET: () => fine },
  { path: "health/checks/node-is-quorum-critical", GET: () => fine },
  { path: "health/checks/certificate-expiration/:within/:unit", GET: () => fine },
  {
    path: "health/checks/port-listener/:port",
    GET: (asked) => port(asked, Number(asked.the("port"))),
  },
  {
    path: "health/checks/protocol-listener/:protocol",
    GET: (asked) => protocol(asked, asked.the("protocol")),
  },
];

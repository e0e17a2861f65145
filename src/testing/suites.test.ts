import { rsocket } from "../protocol/rsocket/index.ts";
import {
  clientCases,
  overProtocol,
  protocolCases,
  register,
  SimNetwork,
  World,
  type ClientSubject,
  type ProtocolSubject,
  type SuiteCase,
} from "./index.ts";

/** A protocol over the simulated network, both ends on one node of a world of its own. */
function simulated(world: World): ProtocolSubject {
  const env = world.env("node");
  let addresses = 0;
  return {
    make: () => rsocket(new SimNetwork(world)),
    address: () => `memory:suite-${++addresses}`,
    env: () => env,
  };
}

/** The same, with clients and handlers on top. */
function simulatedClient(world: World): ClientSubject {
  const { make, address, env } = simulated(world);
  return overProtocol(make(), address, env);
}

/** Each case in a world of its own: another throw of the dice. */
function worlds(cases: (world: World) => readonly SuiteCase[]): SuiteCase[] {
  return cases(new World()).map(({ name }, index) => ({
    name,
    run: () => {
      const world = new World(index);
      return world.play(() => cases(world)[index]!.run());
    },
  }));
}

// As a third party does it.
register(
  "a protocol, simulated",
  worlds((world) => protocolCases(simulated(world))),
);
register(
  "clients, simulated",
  worlds((world) => clientCases(simulatedClient(world))),
);

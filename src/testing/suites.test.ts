import { rsocket } from "../protocol/rsocket/index.ts";
import { protocolCases, register, SimNetwork, World, type ProtocolSubject } from "./index.ts";

/** A protocol over the simulated network, both ends on one node of a world of its own. */
function simulated(world: World): ProtocolSubject {
  const env = world.env("node");
  return {
    make: () => rsocket(new SimNetwork(world)),
    address: () => "memory:suite",
    env: () => env,
  };
}

// As a third party does it, and in the simulator, where each case is another throw of the dice.
register(
  "a protocol, simulated",
  protocolCases(simulated(new World())).map(({ name }, index) => ({
    name,
    run: () => {
      const world = new World(index);
      return world.play(() => protocolCases(simulated(world))[index]!.run());
    },
  })),
);

export { broker } from "../../bridge/broker/running-broker.ts";
export type { RunningBroker, RunningBrokerOptions } from "../../bridge/broker/running-broker.ts";
export { remoteBroker } from "../remote-broker.ts";

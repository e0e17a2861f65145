export { multicast, type MulticastBrokerOptions } from "./multicast.ts";

export { datagram, type DatagramProtocolOptions } from "./datagram.ts";

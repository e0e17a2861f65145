export { udp, type UdpOptions } from "./udp.ts";

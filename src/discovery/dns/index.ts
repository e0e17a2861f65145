export { dns, type DnsOptions } from "./dns.ts";

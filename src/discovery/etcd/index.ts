export { etcd, type EtcdOptions } from "./etcd.ts";

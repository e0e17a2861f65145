export { grpc } from "./grpc.ts";
export { bindGrpc } from "./options.ts";
export type { Compression, Cors, GrpcBinding, GrpcOptions, StatusName } from "./options.ts";

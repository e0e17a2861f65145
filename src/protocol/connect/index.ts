export { connect } from "../grpc/grpc.ts";

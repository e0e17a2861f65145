/** Protobuf's number on Trunkline's own wire. */
export const protobufId = 6;
export const protobufName = "protobuf";

// `trunkline/store/prisma`
export { prisma } from "./prisma.ts";

// A server in a child process, over the pipes to its parent.
import { serveMixed } from "./service.ts";

await serveMixed(["stdio:"]);

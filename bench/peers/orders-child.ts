// Trunkline's server in a child process, over the pipes to its parent; ends with it.
import { serveAt } from "./trunkline.ts";

await serveAt("stdio:");

// The other process.
import { chassis, serve } from "trunkline";
import { createTable } from "trunkline/shm";
import { Archive, type Settings } from "./archive.contract.ts";

const settings = createTable<Settings>("./run/settings");
settings.set({ keepDays: 30 });

let pictures = 0;
const app = await chassis({
  name: "archive",
  listen: "unix:./run/archive.sock",
  itemBytesMax: 64 * 1024 * 1024,
  serve: [
    serve(Archive, {
      store(picture) {
        pictures++;
        let sum = 0;
        for (let at = 0; at < picture.length; at += 4_096) sum += picture[at]!;
        return { sum };
      },
      report: () => ({ pictures }),
    }),
  ],
});
process.send!("ready");
process.once("disconnect", () => void app.stop());

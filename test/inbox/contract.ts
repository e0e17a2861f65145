import * as z from "zod";
import { contract, document } from "trunkline";

const Parcel = z.object({ id: z.string(), deadly: z.boolean() });

export const Post = contract("post", { version: "1.0.0" }, { parcel: document({ data: Parcel }) });

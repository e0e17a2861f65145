// A desk: takes its share of the flights from the schedule and has the towers clear them.
import { client } from "trunkline";
import { Schedule } from "../contracts/schedule.ts";
import { Tower } from "../contracts/tower.ts";
import { Member } from "../member/member.ts";
import { Desk } from "./desk.ts";

await using member = await Member.join();
const discovery = member.registry;
await using schedule = client(Schedule, "service:schedule", { discovery });
await using tower = client(Tower, "service:tower", { discovery });
const desk = new Desk(tower);
member.reporting = desk;
await member.ready();

const over = new AbortController();
const boards = desk.readBoards(over.signal);
await desk.clearAll(schedule.departures({ desk: member.number, desks: member.desks }));
over.abort();
await boards;

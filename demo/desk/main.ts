// A desk: takes its share of the flights from the schedule and has the towers clear them.
import { client } from "trunkline";
import { Schedule } from "../contracts/schedule.ts";
import { Member } from "../member/member.ts";
import { Desk } from "./desk.ts";
import { Towers } from "./towers.ts";

await using member = await Member.join();
await using schedule = client(Schedule, member.address("schedule"));
await using towers = new Towers(member.towers, member.number, (name) => member.address(name));
const desk = new Desk(towers);
member.reporting = desk;
await member.ready();

const over = new AbortController();
const boards = desk.readBoards(over.signal);
await desk.clearAll(schedule.departures({ desk: member.number, desks: member.desks }));
over.abort();
await boards;

import type { FrameView } from "./frame-view.ts";
import { readPosition } from "./frame-view.ts";
import { FrameType } from "./frame-type.ts";
import { headerBytes } from "./limits.ts";
import { writeHeader, writePosition } from "./write.ts";

/** What a client says instead of SETUP to go on with a session. RSocket 1.0, section "RESUME Frame". */
export interface Resume {
  readonly majorVersion: number;
  readonly minorVersion: number;
  /** The token of the session's SETUP; at most 65,535 bytes. */
  readonly token: Uint8Array;
  /** How far the client has received, 0 to `positionMax`. */
  readonly lastServerPosition: number;
  /** From where on the client can send again, 0 to `positionMax`. */
  readonly firstClientPosition: number;
}

/** The exact size of the frame that `writeResume` writes. */
export function resumeBytes(resume: Resume): number {
  return headerBytes + 22 + resume.token.length;
}

/** Writes a whole RESUME frame. */
export function writeResume(memory: Buffer, at: number, resume: Resume): number {
  const { token } = resume;
  let next = writeHeader(memory, at, 0, FrameType.RESUME, 0);
  memory.writeUInt16BE(resume.majorVersion, next);
  memory.writeUInt16BE(resume.minorVersion, next + 2);
  memory.writeUInt16BE(token.length, next + 4);
  memory.set(token, next + 6);
  next += 6 + token.length;
  next = writePosition(memory, next, resume.lastServerPosition);
  return writePosition(memory, next, resume.firstClientPosition);
}

/** Takes apart the RESUME frame that was read into `view`. Returns a sentence when a field is missing or not allowed. */
export function readResume(memory: Buffer, view: FrameView): Resume | string {
  const { dataFrom: at, to } = view;
  if (at + 6 > to) return "RESUME: it ends before its token";
  const tokenTo = at + 6 + memory.readUInt16BE(at + 4);
  if (tokenTo + 16 > to) return "RESUME: it ends before its positions";
  if (memory[tokenTo]! > 0x7f || memory[tokenTo + 8]! > 0x7f) {
    return "RESUME: the reserved bit of a position is set";
  }
  return {
    majorVersion: memory.readUInt16BE(at),
    minorVersion: memory.readUInt16BE(at + 2),
    token: new Uint8Array(memory.subarray(at + 6, tokenTo)),
    lastServerPosition: readPosition(memory, tokenTo),
    firstClientPosition: readPosition(memory, tokenTo + 8),
  };
}

/** Writes a whole RESUME_OK frame: how far the server has received. Takes `resumeOkFrameBytes`. */
export function writeResumeOk(memory: Buffer, at: number, position: number): number {
  return writePosition(memory, writeHeader(memory, at, 0, FrameType.RESUME_OK, 0), position);
}

export const resumeOkFrameBytes: number = headerBytes + 8;

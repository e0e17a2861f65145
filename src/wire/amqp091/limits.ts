/** Before a frame: its type, its channel, the length of what it holds. */
export const frameHeaderBytes = 7;

/** The octet after each frame. */
export const frameEnd = 206;

/** What a frame takes beside what it holds. */
export const frameOverheadBytes: number = frameHeaderBytes + 1;

/** The least that both sides must take, and all that may be sent before they have agreed on more. */
export const frameBytesMin = 4096;

/** The types of frames. */
export const frameMethod = 1;
export const frameHeader = 2;
export const frameBody = 3;
export const frameHeartbeat = 8;

/** The longest short string, in bytes: its length is one octet. */
export const shortstrBytesMax = 255;

/** How deep tables and arrays may stand in one another: nobody nests deeper, and each level is a call of ours. */
export const tableDepthMax = 32;

/** The class of the only content there is, basic. */
export const basicClass = 60;

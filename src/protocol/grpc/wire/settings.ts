/**
 * A setting of HTTP/2 (RFC 9113, 6.5.2: who does not know it ignores it) by which a server says that it is Trunkline, and what the
 * largest message is that it takes, in bytes. Callers need to know both before they send: they do not send what would be refused, and
 * wait with the items of an upload until the request is accepted, which others say only with their first message.
 */
export const itemBytesSetting: number = 0xf5_a1;

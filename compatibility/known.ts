/** Tests of the Java client that are known not to pass with us, each with its reason. docs/embedded-broker-compatibility.md tells them. */
export const known: Readonly<Record<string, string>> = {};

// `--import ./scripts/watchdog.ts?seconds=N`: a test file that still runs after N seconds fails and
// says what keeps it alive. node's own --test-timeout ends single tests, not what they leave open.
const seconds = Number(new URL(import.meta.url).searchParams.get("seconds"));

if (process.env["NODE_TEST_CONTEXT"] !== undefined) {
  setTimeout(() => {
    const open = process.getActiveResourcesInfo().join(", ");
    console.error(`${process.argv[1]} still runs after ${seconds} s; what is open: ${open}`);
    process.exit(1);
  }, seconds * 1000).unref();
}

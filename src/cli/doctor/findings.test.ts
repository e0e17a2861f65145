import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";
import type { Mendable } from "../findings.ts";
import { machineFindings } from "./findings.ts";
import { madeUp, type MadeUp } from "./made-up.ts";

function found(about: string, machine: MadeUp): Mendable | undefined {
  return machineFindings(madeUp(machine)).find((each) => each.about === about);
}

const mebibytes = 1024 * 1024;

test("nothing is wrong with a machine that has what is needed", () => {
  const states = machineFindings(
    madeUp({
      files: {
        "/proc/self/limits": [
          "Limit                     Soft Limit           Hard Limit           Units",
          "Max open files            65536                1048576              files",
          "Max locked memory         8388608              8388608              bytes",
          "Max msgqueue size         819200               819200               bytes",
        ].join("\n"),
        "/proc/sys/net/core/somaxconn": "4096\n",
        "/proc/sys/net/core/wmem_default": "212992\n",
        "/proc/sys/net/unix/max_dgram_qlen": "512\n",
        "/proc/sys/fs/mqueue/msg_max": "10\n",
        "/proc/sys/fs/mqueue/msgsize_max": "8192\n",
        "/proc/sys/fs/mqueue/queues_max": "256\n",
      },
      spaces: { "/dev/shm": { bytes: 64 * mebibytes, free: 64 * mebibytes } },
    }),
  );
  deepEqual(
    states.filter(({ state }) => state !== "fine"),
    [],
  );
  equal(states.length, 17);
});

test("a Node that is too old is wrong", () => {
  equal(found("node", { node: "22.3.0" })?.state, "wrong");
});

test("why there is no addon is told, and that sockets do it too", () => {
  const told = found("addon", { addonProblem: "no addon for linux-arm64 came with the package" });
  equal(told?.state, "warning");
  match(told?.seen ?? "", /linux-arm64/);
  match(told?.advice ?? "", /by sockets/);
  equal(found("shared-memory", { addonProblem: "none" }), undefined);
});

test("what mends a missing addon depends on what is wrong with it", () => {
  const mend = (addonProblem: string): string | undefined => found("addon", { addonProblem })?.mend;
  match(mend("no addon for linux-arm64 came with the package") ?? "", /gcc/);
  match(mend("Cannot load native addon because loading addons is disabled.") ?? "", /--no-addons/);
  equal(mend("EPERM: operation not permitted, memfd_create"), undefined);
});

test("shared memory that the system refuses is a warning with the system's word", () => {
  const told = found("shared-memory", { tryMemory: () => "EPERM: memfd_create" });
  equal(told?.state, "warning");
  match(told?.seen ?? "", /EPERM/);
});

test("shared memory without huge pages is a warning, which tells what gives them", () => {
  const none = found("huge-pages", { tryHugePages: () => false });
  equal(none?.state, "warning");
  match(none?.mend ?? "", /Linux 6\.1/);
  const setting = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
  const files = { [setting]: "always within_size advise never [deny] force\n" };
  const denied = found("huge-pages", { tryHugePages: () => false, files });
  match(denied?.seen ?? "", /denied/);
  equal(denied?.mend, `echo advise > ${setting}, as root`);
  equal(found("huge-pages", { addonProblem: "none" }), undefined);
});

test("on another system only what is the same everywhere is looked at", () => {
  const findings = machineFindings(madeUp({ platform: "darwin", addonProblem: "none there" }));
  deepEqual(
    findings.map(({ about, state }) => [about, state]),
    [
      ["system", "warning"],
      ["node", "fine"],
      ["addon", "warning"],
    ],
  );
});

test("half a core of a control group is told, of version 2", () => {
  const told = found("cores", {
    files: {
      "/proc/self/cgroup": "0::/machine/app\n",
      "/sys/fs/cgroup/machine/app/cpu.max": "max 100000\n",
      "/sys/fs/cgroup/machine/cpu.max": "50000 100000\n",
    },
  });
  equal(told?.state, "warning");
  match(told?.seen ?? "", /time of 0\.5/);
});

test("half a core of a control group is told, of version 1", () => {
  const told = found("cores", {
    files: {
      "/proc/self/cgroup": "4:cpu,cpuacct:/app\n3:memory:/app\n",
      "/sys/fs/cgroup/cpu/app/cpu.cfs_quota_us": "50000\n",
      "/sys/fs/cgroup/cpu/app/cpu.cfs_period_us": "100000\n",
    },
  });
  equal(told?.state, "warning");
});

test("a group that is stopped for lack of time is told", () => {
  const told = found("cores", {
    files: {
      "/proc/self/cgroup": "0::/\n",
      "/sys/fs/cgroup/cpu.stat": "usage_usec 9\nnr_throttled 12\n",
    },
  });
  equal(told?.state, "warning");
  match(told?.seen ?? "", /12 times/);
});

test("memory that is nearly used up is a warning, and the largest number of version 1 is no limit", () => {
  const group = {
    "/proc/self/cgroup": "0::/\n",
    "/sys/fs/cgroup/memory.max": String(100 * mebibytes),
    "/sys/fs/cgroup/memory.current": String(95 * mebibytes),
  };
  equal(found("memory", { files: group })?.state, "warning");
  const old = {
    "/proc/self/cgroup": "3:memory:/\n",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    "/sys/fs/cgroup/memory/memory.usage_in_bytes": "100\n",
  };
  equal(found("memory", { files: old })?.state, "fine");
});

test("bounds on disks are shown", () => {
  const told = found("io", {
    files: {
      "/proc/self/cgroup": "0::/\n",
      "/sys/fs/cgroup/io.max": "8:0 rbps=1048576 wbps=max riops=max wiops=max\n",
    },
  });
  equal(told?.state, "warning");
  match(told?.seen ?? "", /rbps=1048576/);
});

test("too few open files are a warning with the command that mends it", () => {
  const told = found("open-files", {
    files: {
      "/proc/self/limits": "Max open files            1024                 4096    files\n",
    },
  });
  equal(told?.state, "warning");
  match(told?.mend ?? "", /ulimit -n/);
});

test("a kernel without message queues is told", () => {
  equal(found("message-queues", {})?.state, "warning");
});

test("a /dev/shm that is full is told", () => {
  const told = found("dev-shm", {
    spaces: { "/dev/shm": { bytes: 64 * mebibytes, free: mebibytes } },
  });
  equal(told?.state, "warning");
});

test("a container is known by what it leaves lying about", () => {
  match(found("container", { files: { "/.dockerenv": "" } })?.seen ?? "", /Docker/);
  match(found("container", { files: { "/proc/1/cgroup": "0::/kubepods/x" } })?.seen ?? "", /Kube/);
});

test("a process in namespaces of its own is told so", () => {
  const links = {
    "/proc/self/ns/pid": "pid:[2]",
    "/proc/1/ns/pid": "pid:[1]",
    "/proc/self/ns/net": "net:[1]",
    "/proc/1/ns/net": "net:[1]",
  };
  equal(
    found("namespaces", { links })?.seen,
    "processes: one of its own; network: that of process 1",
  );
});

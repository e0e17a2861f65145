import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { VirtualEnv } from "../../../base/virtual-env.ts";
import { Node } from "../node.ts";
import { Refusal } from "../refusal.ts";
import type { Definition } from "../storage.ts";
import { ModelStorage } from "../testing/model-storage.ts";
import { Access, type AccessOptions } from "./access.ts";

const cost = { logN: 4, r: 8, p: 1 };
const here = { loopback: true };
const elsewhere = { loopback: false };

/** Definitions as a storage keeps them. */
class Kept {
  readonly #all = new Map<string, Definition>();

  define(definition: Definition): void {
    // As they come back from a disk.
    const copy = JSON.parse(JSON.stringify(definition)) as Definition;
    this.#all.set(JSON.stringify([definition.kind, definition.name]), copy);
  }

  undefine(kind: string, name: string): void {
    this.#all.delete(JSON.stringify([kind, name]));
  }

  get definitions(): readonly Definition[] {
    return [...this.#all.values()];
  }
}

function access(kept = new Kept(), options: Partial<AccessOptions> = {}): Access {
  return new Access(kept.definitions, kept, { env: new VirtualEnv(), cost, ...options });
}

async function refused(attempt: Promise<unknown>, why: RegExp): Promise<void> {
  await assert.rejects(attempt, (error) => {
    assert.ok(error instanceof Refusal);
    assert.equal(error.reason, "access-refused");
    assert.match(error.message, why);
    return true;
  });
}

test("guest is there first, an administrator, from this machine only", async () => {
  const subject = access();
  const user = await subject.authenticate("guest", "guest", here);
  assert.deepEqual(user.tags, ["administrator"]);
  assert.ok(subject.may("guest", "/", "configure", "anything"));
  await refused(
    subject.authenticate("guest", "guest", elsewhere),
    /only connect from this machine/,
  );
  await refused(subject.authenticate("guest", "other", here), /wrong/);
});

test("the first user is who it is said to be, and nobody else is there", async () => {
  const subject = access(new Kept(), { first: { name: "ops", password: "s3cret" } });
  assert.equal((await subject.authenticate("ops", "s3cret", elsewhere)).name, "ops");
  await refused(subject.authenticate("guest", "guest", here), /wrong/);
});

test("guest, once removed, does not come back with the next start", async () => {
  const kept = new Kept();
  access(kept).removeUser("guest");
  const again = access(kept);
  assert.deepEqual([...again.users], []);
  assert.equal(again.may("guest", "/", "read", "q"), false);
});

test("what was set is there after the next start", async () => {
  const kept = new Kept();
  const subject = access(kept);
  await subject.users.set("ann", { password: "p" }, ["monitoring"]);
  subject.permit({ user: "ann", host: "/", configure: "", write: "^in", read: "^out" });
  subject.permitTopic({
    user: "ann",
    host: "/",
    exchange: "news",
    write: "^{username}\\.",
    read: "",
  });
  subject.quotas.setOfUser("ann", { connections: 1, channels: 2 });
  subject.quotas.setOfHost("/", { queues: 1 });

  const again = access(kept);
  assert.deepEqual((await again.authenticate("ann", "p", elsewhere)).tags, ["monitoring"]);
  assert.deepEqual(
    (["configure", "write", "read"] as const).map((act) => again.may("ann", "/", act, "inbox")),
    [false, true, false],
  );
  assert.equal(again.mayTopic("ann", "/", "write", "news", "ann.a"), true);
  assert.equal(again.mayTopic("ann", "/", "write", "news", "bob.a"), false);
  assert.deepEqual(again.quotas.ofUser("ann"), { connections: 1, channels: 2 });
  assert.deepEqual(again.quotas.ofHost("/"), { queues: 1 });
});

test("nobody may what was not granted, nor after it was taken away", async () => {
  const subject = access();
  await subject.users.set("ann", { password: "p" }, []);
  assert.equal(subject.permissions.enters("ann", "/"), false);
  subject.permit({ user: "ann", host: "/", configure: ".*", write: ".*", read: "" });
  assert.equal(subject.permissions.enters("ann", "/"), true);
  assert.equal(subject.may("ann", "/", "write", "q"), true);
  assert.equal(subject.may("ann", "/", "read", "q"), false);
  assert.equal(subject.may("ann", "other", "write", "q"), false);
  subject.permissions.remove("ann", "/");
  assert.equal(subject.may("ann", "/", "write", "q"), false);
});

test("a permission for amq.default is one for the default exchange", async () => {
  const subject = access();
  await subject.users.set("ann", { password: "p" }, []);
  subject.permit({ user: "ann", host: "/", configure: "", write: "^amq\\.default$", read: "" });
  assert.equal(subject.may("ann", "/", "write", ""), true);
  assert.equal(subject.may("ann", "/", "configure", ""), false);
});

test("names filled into topic permissions are meant literally", async () => {
  const subject = access();
  await subject.users.set(".*", { password: "p" }, []);
  const topic = { user: ".*", host: "/", exchange: "news" };
  subject.permitTopic({ ...topic, write: "^{username}\\.x$", read: "^{client_id}\\." });
  assert.equal(subject.mayTopic(".*", "/", "write", "news", "ann.x"), false);
  assert.equal(subject.mayTopic(".*", "/", "write", "news", ".*.x"), true);
  assert.equal(subject.mayTopic(".*", "/", "read", "news", "c1.x"), false);
  assert.equal(subject.mayTopic(".*", "/", "read", "news", "c1.x", "c1"), true);
  assert.equal(subject.mayTopic(".*", "/", "write", "other", "ann.x"), true);
});

test("what a removed user or virtual host had is gone with it", async () => {
  const kept = new Kept();
  const subject = access(kept);
  for (const name of ["ann", "bob"]) {
    await subject.users.set(name, { password: "p" }, []);
    for (const host of ["/", "b"]) {
      subject.permit({ user: name, host, configure: ".*", write: ".*", read: ".*" });
      subject.permitTopic({ user: name, host, exchange: "x", write: "", read: "" });
    }
    subject.quotas.setOfUser(name, { channels: 3 });
  }
  subject.quotas.setOfHost("b", { queues: 3 });
  subject.removeUser("ann");
  subject.forgetHost("b");
  const again = access(kept);
  assert.deepEqual([...again.users].map(({ name }) => name).toSorted(), ["bob", "guest"]);
  assert.deepEqual([...again.permissions].map(({ user, host }) => `${user} ${host}`).toSorted(), [
    "bob /",
    "guest /",
  ]);
  assert.deepEqual(
    [...again.permissions.topics()].map(({ user, host }) => `${user} ${host}`),
    ["bob /"],
  );
  assert.deepEqual(again.quotas.ofUser("ann"), {});
  assert.deepEqual(again.quotas.ofHost("b"), {});
});

test("a hash of RabbitMQ's lets in, and is kept in our way from then on", async () => {
  const kept = new Kept();
  const subject = access(kept);
  for (const digest of ["sha256", "sha512", "md5"]) {
    const salt = Buffer.from([1, 2, 3, 4]);
    const hash = createHash(digest).update(salt).update("pässword").digest();
    await subject.users.set(
      digest,
      {
        passwordHash: Buffer.concat([salt, hash]).toString("base64"),
        hashingAlgorithm: `rabbit_password_hashing_${digest}`,
      },
      [],
    );
    assert.match(subject.users.get(digest)!.passwordHash, /^\$rabbitmq/);
    await refused(subject.authenticate(digest, "password", here), /wrong/);
    await subject.authenticate(digest, "pässword", here);
    assert.match(access(kept).users.get(digest)!.passwordHash, /^\$scrypt\$ln=4,r=8,p=1\$/);
    await access(kept).authenticate(digest, "pässword", here);
  }
});

test("all who come at once after an import are let in, and each password is kept anew once", async () => {
  let salts = 0;
  const secret = (bytes: number): Uint8Array => {
    if (bytes === 16) salts++;
    return new Uint8Array(bytes).fill(salts);
  };
  const subject = access(new Kept(), { secret });
  const names = Array.from({ length: 20 }, (_, index) => `user ${index}`);
  const hash = createHash("sha256").update(Buffer.alloc(4)).update("p").digest();
  const passwordHash = Buffer.concat([Buffer.alloc(4), hash]).toString("base64");
  for (const name of names) await subject.users.set(name, { passwordHash }, []);
  const logins = names.flatMap((name) =>
    Array.from({ length: 10 }, () => subject.authenticate(name, "p", elsewhere)),
  );
  // Later ones find their password kept anew while they wait for their turn.
  const late = names.map(async (name) => {
    await subject.authenticate(name, "p", elsewhere);
    return subject.authenticate(name, "p", elsewhere);
  });
  assert.equal((await Promise.all([...logins, ...late])).length, 220);
  assert.equal(salts, 20);
});

test("a hash that RabbitMQ's documentation gives is that of its password", async () => {
  const subject = access();
  // "Passwords", section "Computing Password Hash": test12 with the salt 908D C60A.
  const passwordHash = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR";
  await subject.users.set("doc", { passwordHash }, []);
  assert.equal((await subject.authenticate("doc", "test12", here)).name, "doc");
});

test("a hash that asks for all of the memory is refused", async () => {
  const users = access().users;
  const salt = Buffer.alloc(16).toString("base64").replace(/=+$/, "");
  const hash = Buffer.alloc(32).toString("base64").replace(/=+$/, "");
  for (const terms of ["ln=30,r=8,p=1", "ln=14,r=8,p=900", "ln=0,r=8,p=1"])
    await assert.rejects(
      users.set("x", { passwordHash: `$scrypt$${terms}$${salt}$${hash}` }, []),
      /cannot be read/,
    );
});

test("nobody comes in by a password who has none, by a certificate they do", async () => {
  const subject = access();
  await subject.users.set("robot", {}, []);
  await refused(subject.authenticate("robot", "", here), /wrong/);
  assert.equal(subject.users.known("robot", elsewhere).name, "robot");
  assert.throws(() => subject.users.known("nobody", here), /no user 'nobody'/);
});

test("a password that was right is verified again only after ten minutes", async () => {
  let now = 0;
  const subject = access(new Kept(), { env: { now: () => now } });
  await subject.users.set("ann", { password: "p" }, []);
  await subject.authenticate("ann", "p", here);
  // Without waiting for a thread: nothing but promises stands between.
  let known = false;
  const again = subject.authenticate("ann", "p", here).then(() => (known = true));
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  assert.ok(known);
  await again;
  now = 10 * 60_000;
  let later = false;
  const verified = subject.authenticate("ann", "p", here).then(() => (later = true));
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  assert.equal(later, false);
  await verified;
});

test("an old password is not known any more once there is a new one", async () => {
  const subject = access();
  await subject.users.set("ann", { password: "old" }, []);
  await subject.authenticate("ann", "old", here);
  await subject.users.set("ann", { password: "new" }, []);
  await refused(subject.authenticate("ann", "old", here), /wrong/);
  await subject.authenticate("ann", "new", here);
});

test("logins beyond those that can wait are refused at once", async () => {
  const subject = access();
  await subject.users.set("ann", { password: "p" }, []);
  const attempts = Array.from({ length: 1_100 }, (_, index) =>
    subject.authenticate("ann", `wrong ${index}`, here).then(
      () => "in",
      (error: unknown) => (error as Refusal).reason,
    ),
  );
  const reasons = await Promise.all(attempts);
  assert.equal(reasons.filter((reason) => reason === "resource-error").length, 98);
  assert.equal(reasons.filter((reason) => reason === "access-refused").length, 1_002);
});

test("quotas count who is there, and who has left makes room", async () => {
  const { quotas } = access();
  quotas.setOfUser("ann", { connections: 1, channels: 1 });
  quotas.setOfHost("/", { connections: 2, queues: 2 });
  const leave = quotas.connect("ann", "/");
  assert.throws(() => quotas.connect("ann", "/"), /user connection limit \(1\) is reached/);
  quotas.connect("bob", "/");
  assert.throws(() => quotas.connect("cid", "/"), /vhost '\/' .* connection limit \(2\)/);
  leave();
  leave();
  quotas.connect("ann", "/");
  assert.throws(() => quotas.connect("cid", "/"), Refusal);
  const close = quotas.openChannel("ann");
  assert.throws(() => quotas.openChannel("ann"), /limit of \(1\)/);
  close();
  quotas.openChannel("ann");
  quotas.declareQueue("/", "q", 1);
  assert.throws(() => quotas.declareQueue("/", "q", 2), /queue limit in vhost '\/' \(2\)/);
  quotas.setOfHost("/", { queues: -1 });
  quotas.declareQueue("/", "q", 2);
});

test("a pattern that cannot be read changes nothing", async () => {
  const kept = new Kept();
  const subject = access(kept);
  await subject.users.set("ann", { password: "p" }, []);
  const before = JSON.stringify(kept.definitions);
  const permission = { user: "ann", host: "/", configure: "(", write: "", read: "" };
  assert.throws(() => subject.permit(permission), /cannot be used/);
  assert.throws(() => subject.permit({ ...permission, user: "bob" }), /no user 'bob'/);
  assert.equal(JSON.stringify(kept.definitions), before);
  assert.equal(subject.permissions.enters("ann", "/"), false);
});

test("a broker that nobody asks who may in has no users", async () => {
  const usersAfter = async (use: (node: Node) => void): Promise<number> => {
    const env = new VirtualEnv();
    const storage = new ModelStorage(env);
    use(new Node(storage, env));
    await storage.until(storage.batch);
    const { definitions } = storage.crash({ power: true }).found();
    return definitions.filter(({ kind }) => kind === "user").length;
  };
  assert.equal(await usersAfter((node) => void node.addHost("v")), 0);
  assert.equal(await usersAfter((node) => void node.access), 1);
});

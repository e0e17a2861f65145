import type { Credentials, User } from "../../../broker/embedded/access/users.ts";
import { userItem } from "../../../broker/embedded/definitions/export.ts";
import type { Json } from "../../../broker/embedded/storage.ts";
import { done, Failed, made, notFound, ok, type Asked, type Reply } from "../asked.ts";
import type { Route } from "../routes.ts";
import { shownPermission, shownTopicPermission } from "./permissions.ts";

function shownUser({ node }: Asked, of: User): Json {
  return { ...userItem(node, of) };
}

function user(asked: Asked): User {
  const found = asked.node.access.users.get(asked.the("user"));
  if (found === undefined) throw notFound();
  return found;
}

async function put(asked: Asked): Promise<Reply> {
  const { users } = asked.node.access;
  const name = asked.the("user");
  const there = users.get(name) !== undefined;
  if (asked.given("tags") === undefined)
    throw new Failed(400, "bad_request", "a user has 'tags', though none may be in them");
  const tags = tagsOf(asked.given("tags"));
  await users.set(name, credentials(asked), tags);
  return there ? done : made;
}

function credentials(asked: Asked): Credentials {
  const { password, password_hash, hashing_algorithm } = (asked.body ?? {}) as Record<
    string,
    unknown
  >;
  if (typeof password_hash === "string")
    return {
      passwordHash: password_hash,
      ...(typeof hashing_algorithm === "string" ? { hashingAlgorithm: hashing_algorithm } : {}),
    };
  if (typeof password === "string" && password !== "") return { password };
  // RabbitMQ: such a user cannot log in by a password any more.
  return { passwordHash: "" };
}

/** A list, or a text with commas. */
function tagsOf(given: unknown): readonly string[] {
  const list = typeof given === "string" ? given.split(",") : given;
  if (!Array.isArray(list) || list.some((tag) => typeof tag !== "string"))
    throw new Failed(400, "bad_request", "'tags' should be texts");
  return (list as readonly string[]).map((tag) => tag.trim()).filter((tag) => tag !== "");
}

function remove(asked: Asked, name: string): void {
  const { node, place } = asked;
  node.access.removeUser(name);
  for (const connection of [...place.book.connections()])
    if (connection.user === name) place.book.close(connection.name, `user '${name}' is deleted`);
}

export const userRoutes: readonly Route[] = [
  {
    path: "users",
    role: "administrator",
    list: true,
    GET: (asked) => ok([...asked.node.access.users].map((each) => shownUser(asked, each))),
  },
  {
    path: "users/without-permissions",
    role: "administrator",
    list: true,
    GET(asked) {
      const { users, permissions } = asked.node.access;
      const having = new Set([...permissions].map((permission) => permission.user));
      const without = [...users].filter(({ name }) => !having.has(name));
      return ok(without.map((each) => shownUser(asked, each)));
    },
  },
  {
    path: "users/bulk-delete",
    role: "administrator",
    POST(asked) {
      const names = asked.given("users");
      if (!Array.isArray(names)) throw new Failed(400, "bad_request", "'users' should be a list");
      const { users } = asked.node.access;
      for (const name of names as readonly string[])
        if (users.get(name) !== undefined) remove(asked, name);
      return done;
    },
  },
  {
    path: "users/:user",
    role: "administrator",
    GET: (asked) => ok(shownUser(asked, user(asked))),
    PUT: put,
    DELETE(asked) {
      remove(asked, user(asked).name);
      return done;
    },
  },
  {
    path: "users/:user/permissions",
    role: "administrator",
    list: true,
    GET(asked) {
      const { name } = user(asked);
      const all = [...asked.node.access.permissions];
      return ok(all.filter((permission) => permission.user === name).map(shownPermission));
    },
  },
  {
    path: "users/:user/topic-permissions",
    role: "administrator",
    list: true,
    GET(asked) {
      const { name } = user(asked);
      const all = [...asked.node.access.permissions.topics()];
      return ok(all.filter((permission) => permission.user === name).map(shownTopicPermission));
    },
  },
];

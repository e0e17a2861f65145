-- Idempotency keys of calls, and how their work ended.
CREATE TABLE IF NOT EXISTS trunkline_key (
  id varchar(200) NOT NULL PRIMARY KEY,
  input varchar(200) NOT NULL,
  owner varchar(200),
  ending mediumtext,
  bytes longblob,
  changed_at bigint NOT NULL,
  KEY trunkline_key_changed_at (changed_at)
) ENGINE = InnoDB CHARACTER SET utf8mb4 /*!80001 COLLATE utf8mb4_bin */ /*!80017 COLLATE utf8mb4_0900_bin */ /*M!100600 COLLATE utf8mb4_nopad_bin */;

-- Until when each process lives that has begun such work, unless it says so again.
CREATE TABLE IF NOT EXISTS trunkline_key_owner (
  owner varchar(200) NOT NULL PRIMARY KEY,
  expires_at bigint NOT NULL,
  KEY trunkline_key_owner_expires_at (expires_at)
) ENGINE = InnoDB CHARACTER SET utf8mb4 /*!80001 COLLATE utf8mb4_bin */ /*!80017 COLLATE utf8mb4_0900_bin */ /*M!100600 COLLATE utf8mb4_nopad_bin */;

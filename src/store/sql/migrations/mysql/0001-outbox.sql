-- A statement that makes a table is committed at once: each may be run again.
-- Text is compared byte by byte, spaces at its end included. MySQL and MariaDB have different names for that, each in a comment
-- that only one of them reads.

-- Messages that wait to be published. A row that is there is pending; what was published is deleted. Its number is the last part of
-- the index too, so that nothing has to be sorted.
CREATE TABLE IF NOT EXISTS trunkline_outbox (
  seq bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  id text NOT NULL,
  lane smallint NOT NULL,
  msg_key text,
  channel text NOT NULL,
  head mediumtext NOT NULL,
  data longblob NOT NULL,
  not_before bigint NOT NULL,
  written_at bigint NOT NULL,
  refusals int NOT NULL DEFAULT 0,
  KEY trunkline_outbox_lane (lane, not_before)
) ENGINE = InnoDB CHARACTER SET utf8mb4 /*!80001 COLLATE utf8mb4_bin */ /*!80017 COLLATE utf8mb4_0900_bin */ /*M!100600 COLLATE utf8mb4_nopad_bin */;

-- Those that were given up.
CREATE TABLE IF NOT EXISTS trunkline_outbox_dead (
  seq bigint NOT NULL,
  place bigint NOT NULL AUTO_INCREMENT,
  id text NOT NULL,
  lane smallint NOT NULL,
  msg_key text,
  channel text NOT NULL,
  head mediumtext NOT NULL,
  data longblob NOT NULL,
  not_before bigint NOT NULL,
  written_at bigint NOT NULL,
  refusals int NOT NULL,
  dead_at bigint NOT NULL,
  reason text NOT NULL,
  parking varchar(20) NOT NULL,
  PRIMARY KEY (seq, place),
  KEY trunkline_outbox_dead_place (place),
  KEY trunkline_outbox_dead_lane (lane),
  KEY trunkline_outbox_dead_at (dead_at)
) ENGINE = InnoDB CHARACTER SET utf8mb4 /*!80001 COLLATE utf8mb4_bin */ /*!80017 COLLATE utf8mb4_0900_bin */ /*M!100600 COLLATE utf8mb4_nopad_bin */;

-- Which relay publishes which share of the lanes.
CREATE TABLE IF NOT EXISTS trunkline_outbox_lease (
  share smallint NOT NULL PRIMARY KEY,
  token bigint NOT NULL,
  relay varchar(255)
) ENGINE = InnoDB CHARACTER SET utf8mb4 /*!80001 COLLATE utf8mb4_bin */ /*!80017 COLLATE utf8mb4_0900_bin */ /*M!100600 COLLATE utf8mb4_nopad_bin */;

INSERT IGNORE INTO trunkline_outbox_lease (share, token)
  WITH RECURSIVE shares (share) AS (SELECT 0 UNION ALL SELECT share + 1 FROM shares WHERE share < 31)
  SELECT share, 0 FROM shares;

-- Until when each relay lives, unless it says so again.
CREATE TABLE IF NOT EXISTS trunkline_outbox_relay (
  relay varchar(255) NOT NULL PRIMARY KEY,
  expires_at bigint NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 /*!80001 COLLATE utf8mb4_bin */ /*!80017 COLLATE utf8mb4_0900_bin */ /*M!100600 COLLATE utf8mb4_nopad_bin */;

-- What is locked by who writes in a lane that has an order. Nothing is ever changed in it.
CREATE TABLE IF NOT EXISTS trunkline_outbox_lane (
  lane smallint NOT NULL PRIMARY KEY
) ENGINE = InnoDB CHARACTER SET utf8mb4 /*!80001 COLLATE utf8mb4_bin */ /*!80017 COLLATE utf8mb4_0900_bin */ /*M!100600 COLLATE utf8mb4_nopad_bin */;

INSERT IGNORE INTO trunkline_outbox_lane (lane)
  WITH RECURSIVE lanes (lane) AS (SELECT 0 UNION ALL SELECT lane + 1 FROM lanes WHERE lane < 255)
  SELECT lane FROM lanes;

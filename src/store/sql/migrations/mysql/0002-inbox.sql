-- Messages that were processed, for each consumer.
CREATE TABLE IF NOT EXISTS trunkline_inbox (
  consumer varchar(200) NOT NULL,
  message varchar(200) NOT NULL,
  processed_at bigint NOT NULL,
  reply longblob,
  PRIMARY KEY (consumer, message),
  KEY trunkline_inbox_processed_at (processed_at)
) ENGINE = InnoDB CHARACTER SET utf8mb4 /*!80001 COLLATE utf8mb4_bin */ /*!80017 COLLATE utf8mb4_0900_bin */ /*M!100600 COLLATE utf8mb4_nopad_bin */;

-- How often a handler was begun for a message, and came to an end.
CREATE TABLE IF NOT EXISTS trunkline_inbox_attempt (
  consumer varchar(200) NOT NULL,
  message varchar(200) NOT NULL,
  started int NOT NULL,
  finished int NOT NULL,
  changed_at bigint NOT NULL,
  PRIMARY KEY (consumer, message),
  KEY trunkline_inbox_attempt_changed_at (changed_at)
) ENGINE = InnoDB CHARACTER SET utf8mb4 /*!80001 COLLATE utf8mb4_bin */ /*!80017 COLLATE utf8mb4_0900_bin */ /*M!100600 COLLATE utf8mb4_nopad_bin */;

-- The last sequence that was seen of each key.
CREATE TABLE IF NOT EXISTS trunkline_inbox_order (
  consumer varchar(200) NOT NULL,
  msg_key varchar(500) NOT NULL,
  last bigint NOT NULL,
  changed_at bigint NOT NULL,
  PRIMARY KEY (consumer, msg_key),
  KEY trunkline_inbox_order_changed_at (changed_at)
) ENGINE = InnoDB CHARACTER SET utf8mb4 /*!80001 COLLATE utf8mb4_bin */ /*!80017 COLLATE utf8mb4_0900_bin */ /*M!100600 COLLATE utf8mb4_nopad_bin */;

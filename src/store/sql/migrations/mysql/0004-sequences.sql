-- How many messages of a channel and key were written, where they are counted. A sequence is a digest of both.
CREATE TABLE IF NOT EXISTS trunkline_outbox_sequence (
  id varchar(100) NOT NULL,
  last bigint NOT NULL,
  PRIMARY KEY (id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 /*!80001 COLLATE utf8mb4_bin */ /*!80017 COLLATE utf8mb4_0900_bin */ /*M!100600 COLLATE utf8mb4_nopad_bin */;

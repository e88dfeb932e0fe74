-- Pools are found by the ids of their clients, too.

ALTER TABLE userpool_pools ADD COLUMN clients TEXT NOT NULL DEFAULT ''; -- JSON list of ids, '' for none

-- Whom a client id belongs to, or once did: it is never given to another pool.
CREATE TABLE userpool_clients (
	client TEXT    PRIMARY KEY,
	pool   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Everything of a pool is kept under the pool's key, a small number that never changes. Times are
-- microseconds since 1970, NULL where there is none. version is the stamp of a record.

CREATE TABLE userpool_pools (
	key        INTEGER PRIMARY KEY,
	id         TEXT    NOT NULL UNIQUE,
	version    INTEGER NOT NULL,
	issuer     TEXT    NOT NULL,           -- '' for none
	searchable TEXT    NOT NULL,           -- JSON list of index names, '' for none
	created    INTEGER NOT NULL,
	epoch      INTEGER NOT NULL,
	users      INTEGER NOT NULL,           -- how many are somebody
	deleted    INTEGER NOT NULL,           -- 1: being dropped; the row stays for ever
	moved      INTEGER NOT NULL UNIQUE     -- place in the feed of changes
) STRICT;
CREATE INDEX userpool_pools_deleted ON userpool_pools (deleted, id);

-- Whom an issuer belongs to, or once did: it is never given to another pool.
CREATE TABLE userpool_issuers (
	issuer TEXT    PRIMARY KEY,
	pool   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Users and unproven sign-ups. Tables of the app may refer to userpool_users (id).
CREATE TABLE userpool_users (
	key      INTEGER PRIMARY KEY,
	pool     INTEGER NOT NULL,
	id       TEXT    NOT NULL UNIQUE,
	version  INTEGER NOT NULL,
	status   INTEGER NOT NULL,             -- 0 unconfirmed, 1 confirmed, 2 force_change_password, 3 reset_required, 4 external
	disabled INTEGER NOT NULL,
	epoch    INTEGER NOT NULL,
	created  INTEGER NOT NULL,
	updated  INTEGER,
	expires  INTEGER,                      -- end of an unproven sign-up
	digest   BLOB,                         -- sealed digest of the password
	body     TEXT    NOT NULL              -- JSON: logins, attributes and the rest
) STRICT;
CREATE INDEX userpool_users_id ON userpool_users (pool, id);
CREATE INDEX userpool_users_created ON userpool_users (pool, created, id);
CREATE INDEX userpool_users_expires ON userpool_users (expires) WHERE expires IS NOT NULL;

-- Owned logins. user is userpool_users.key.
CREATE TABLE userpool_logins (
	pool  INTEGER NOT NULL,
	ns    TEXT    NOT NULL,
	value TEXT    NOT NULL,
	user  INTEGER NOT NULL,
	PRIMARY KEY (pool, ns, value)
) STRICT, WITHOUT ROWID;

-- Places that unproven sign-ups hold at a login.
CREATE TABLE userpool_attempts (
	pool  INTEGER NOT NULL,
	ns    TEXT    NOT NULL,
	value TEXT    NOT NULL,
	user  INTEGER NOT NULL,
	PRIMARY KEY (pool, ns, value, user)
) STRICT, WITHOUT ROWID;

-- Values by which users are listed.
CREATE TABLE userpool_user_index (
	pool    INTEGER NOT NULL,
	name    TEXT    NOT NULL,
	value   TEXT    NOT NULL,
	user_id TEXT    NOT NULL,
	PRIMARY KEY (pool, name, value, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE userpool_sessions (
	pool         INTEGER NOT NULL,
	user_id      TEXT    NOT NULL,
	id           TEXT    NOT NULL,
	version      INTEGER NOT NULL,
	epoch        INTEGER NOT NULL,
	kind         TEXT    NOT NULL,
	parent       TEXT    NOT NULL,
	client       TEXT    NOT NULL,
	proofs       TEXT    NOT NULL,         -- JSON list, '' for none
	created      INTEGER NOT NULL,
	last_used    INTEGER NOT NULL,
	idle         INTEGER NOT NULL,         -- nanoseconds
	expires      INTEGER NOT NULL,
	ends         INTEGER NOT NULL,         -- the earlier of expires and last_used + idle
	confirmation TEXT    NOT NULL,
	device       TEXT    NOT NULL,
	family_key   BLOB,                     -- sealed
	generation   INTEGER NOT NULL,
	rotated      INTEGER,
	PRIMARY KEY (pool, user_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX userpool_sessions_ends ON userpool_sessions (ends);

CREATE TABLE userpool_tickets (
	pool    INTEGER NOT NULL,
	id      TEXT    NOT NULL,
	version INTEGER NOT NULL,
	user_id TEXT    NOT NULL,
	epoch   INTEGER NOT NULL,
	client  TEXT    NOT NULL,
	purpose TEXT    NOT NULL,
	mac     BLOB,
	code    BLOB,
	state   BLOB,
	created INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	PRIMARY KEY (pool, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX userpool_tickets_user ON userpool_tickets (pool, user_id) WHERE user_id <> '';
CREATE INDEX userpool_tickets_expires ON userpool_tickets (expires);

-- Attempt counters and watermarks. owner is a user, a ticket or a pseudonym.
CREATE TABLE userpool_counters (
	pool      INTEGER NOT NULL,
	owner     TEXT    NOT NULL,
	name      TEXT    NOT NULL,
	n         INTEGER NOT NULL,
	run       INTEGER NOT NULL,
	start     INTEGER,
	locked    INTEGER,                     -- until when
	expires   INTEGER,
	PRIMARY KEY (pool, owner, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX userpool_counters_expires ON userpool_counters (expires) WHERE expires IS NOT NULL;

CREATE TABLE userpool_documents (
	key     INTEGER PRIMARY KEY,
	pool    INTEGER NOT NULL,
	kind    TEXT    NOT NULL,
	id      TEXT    NOT NULL,
	version INTEGER NOT NULL,
	body    BLOB,
	created INTEGER,
	updated INTEGER,
	UNIQUE (pool, kind, id)
) STRICT;

-- Messages that wait to be sent. lane is storage.Lane of the owner.
CREATE TABLE userpool_outgoing (
	key       INTEGER PRIMARY KEY,
	pool      INTEGER NOT NULL,
	id        TEXT    NOT NULL,
	version   INTEGER NOT NULL,
	owner     TEXT    NOT NULL,
	lane      INTEGER NOT NULL,
	class     INTEGER NOT NULL,
	ticket    TEXT    NOT NULL,
	body      BLOB,                        -- sealed
	tries     INTEGER NOT NULL,
	due       INTEGER NOT NULL,
	not_after INTEGER,
	created   INTEGER NOT NULL,
	UNIQUE (pool, id)
) STRICT;
CREATE INDEX userpool_outgoing_due ON userpool_outgoing (pool, class, due, id, lane);
CREATE INDEX userpool_outgoing_owner ON userpool_outgoing (pool, owner, created, id);
CREATE INDEX userpool_outgoing_ticket ON userpool_outgoing (pool, ticket) WHERE ticket <> '';
CREATE INDEX userpool_outgoing_not_after ON userpool_outgoing (not_after) WHERE not_after IS NOT NULL;

-- seq is the place in the feed of changes: never given twice.
CREATE TABLE userpool_revocations (
	seq     INTEGER PRIMARY KEY AUTOINCREMENT,
	pool    INTEGER NOT NULL,
	id      TEXT    NOT NULL,
	user_id TEXT    NOT NULL,
	session TEXT    NOT NULL,
	epoch   INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	UNIQUE (pool, id)
) STRICT;
CREATE INDEX userpool_revocations_expires ON userpool_revocations (expires);

-- History. seal is the number of the seal that an event is in, 0 while it is in none.
CREATE TABLE userpool_events (
	pool     INTEGER NOT NULL,
	time     INTEGER NOT NULL,
	id       TEXT    NOT NULL,
	user_id  TEXT    NOT NULL,
	kind     TEXT    NOT NULL,
	header   BLOB,
	personal BLOB,                         -- sealed under the person's event key
	leaf     BLOB    NOT NULL,
	seal     INTEGER NOT NULL,
	PRIMARY KEY (pool, time, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX userpool_events_id ON userpool_events (pool, id);
CREATE INDEX userpool_events_user ON userpool_events (pool, user_id, time, id) WHERE user_id <> '';
CREATE INDEX userpool_events_seal ON userpool_events (pool, seal, time, id);

CREATE TABLE userpool_seals (
	pool     INTEGER NOT NULL,
	number   INTEGER NOT NULL,
	previous BLOB,
	digest   BLOB,
	count    INTEGER NOT NULL,
	mac      BLOB,
	time     INTEGER NOT NULL,
	PRIMARY KEY (pool, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE userpool_leases (
	name   TEXT    PRIMARY KEY,
	holder TEXT    NOT NULL,
	until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX userpool_leases_until ON userpool_leases (until);

-- What apps may join with: users who are somebody, of pools that are not deleted. Columns are only
-- ever added.
CREATE VIEW userpool_user AS
SELECT
	u.id,
	p.id AS pool_id,
	CASE u.status WHEN 1 THEN 'confirmed' WHEN 2 THEN 'force_change_password'
		WHEN 3 THEN 'reset_required' WHEN 4 THEN 'external' END AS status,
	u.disabled,
	(SELECT coalesce(l.value ->> '$.d', l.value ->> '$.v')
		FROM json_each(u.body, '$.l') AS l
		WHERE l.value ->> '$.n' IS NULL ORDER BY l.key LIMIT 1) AS login, -- the first, as it was typed
	(SELECT json_group_array(coalesce(l.value ->> '$.d', l.value ->> '$.v') ORDER BY l.key)
		FROM json_each(u.body, '$.l') AS l
		WHERE l.value ->> '$.n' IS NULL) AS logins, -- JSON list of user names, addresses and numbers
	u.body ->> '$.a.email' AS email,
	u.body ->> '$.a.phone_number' AS phone_number,
	u.body ->> '$.a.name' AS name,
	coalesce(u.body -> '$.a', '{}') AS attributes, -- JSON object
	u.created,
	u.updated
FROM userpool_users AS u JOIN userpool_pools AS p ON p.key = u.pool
WHERE u.status <> 0 AND p.deleted = 0;

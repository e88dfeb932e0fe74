-- Times are microseconds since 1970, NULL where there is none. version is the stamp of a record.
-- Texts compare by bytes. Each statement may run again after one that was cut off.

CREATE TABLE IF NOT EXISTS userpool_pools (
	id         text COLLATE "C" PRIMARY KEY,
	version    bigint NOT NULL,
	issuer     text COLLATE "C" NOT NULL,  -- '' for none
	searchable text NOT NULL,              -- JSON list of index names, '' for none
	clients    text NOT NULL,              -- JSON list of client ids, '' for none
	created    bigint NOT NULL,
	epoch      bigint NOT NULL,
	deleted    boolean NOT NULL,           -- being dropped; the row stays for ever
	moved      bigint NOT NULL             -- the transaction that last moved it: its place in the feed
);

CREATE INDEX IF NOT EXISTS userpool_pools_moved ON userpool_pools (moved, id);

CREATE INDEX IF NOT EXISTS userpool_pools_deleted ON userpool_pools (deleted, id);

-- How many users of a pool are somebody, as the sum of its rows: sign-ups do not wait for each
-- other at one of them.
CREATE TABLE IF NOT EXISTS userpool_counts (
	pool   text COLLATE "C" NOT NULL,
	stripe smallint NOT NULL,
	users  bigint NOT NULL,
	PRIMARY KEY (pool, stripe)
);

-- By which commits go into a pool that is not deleted.
CREATE TABLE IF NOT EXISTS userpool_gates (
	pool text COLLATE "C" NOT NULL,
	gate smallint NOT NULL,
	PRIMARY KEY (pool, gate)
);

-- Whom an issuer belongs to, or once did: it is never given to another pool.
CREATE TABLE IF NOT EXISTS userpool_issuers (
	issuer text COLLATE "C" PRIMARY KEY,
	pool   text COLLATE "C" NOT NULL
);

-- Whom a client id belongs to, or once did: it is never given to another pool.
CREATE TABLE IF NOT EXISTS userpool_clients (
	client text COLLATE "C" PRIMARY KEY,
	pool   text COLLATE "C" NOT NULL
);

-- Users and unproven sign-ups. Tables of the app may refer to userpool_users (id).
CREATE TABLE IF NOT EXISTS userpool_users (
	id       text COLLATE "C" PRIMARY KEY,
	pool     text COLLATE "C" NOT NULL,
	version  bigint NOT NULL,
	status   smallint NOT NULL,            -- 0 unconfirmed, 1 confirmed, 2 force_change_password, 3 reset_required, 4 external
	disabled boolean NOT NULL,
	epoch    bigint NOT NULL,
	created  bigint NOT NULL,
	updated  bigint,
	expires  bigint,                       -- end of an unproven sign-up
	digest   bytea,                        -- sealed digest of the password
	body     jsonb NOT NULL                -- logins, attributes and the rest
) WITH (fillfactor = 80);

CREATE INDEX IF NOT EXISTS userpool_users_id ON userpool_users (pool, id);

CREATE INDEX IF NOT EXISTS userpool_users_created ON userpool_users (pool, created, id);

CREATE INDEX IF NOT EXISTS userpool_users_expires ON userpool_users (expires) WHERE expires IS NOT NULL;

-- Owned logins.
CREATE TABLE IF NOT EXISTS userpool_logins (
	pool    text COLLATE "C" NOT NULL,
	ns      text COLLATE "C" NOT NULL,
	value   text COLLATE "C" NOT NULL,
	user_id text COLLATE "C" NOT NULL,
	PRIMARY KEY (pool, ns, value)
);

-- Places that unproven sign-ups hold at a login.
CREATE TABLE IF NOT EXISTS userpool_attempts (
	pool    text COLLATE "C" NOT NULL,
	ns      text COLLATE "C" NOT NULL,
	value   text COLLATE "C" NOT NULL,
	user_id text COLLATE "C" NOT NULL,
	PRIMARY KEY (pool, ns, value, user_id)
);

-- Values by which users are listed.
CREATE TABLE IF NOT EXISTS userpool_user_index (
	pool    text COLLATE "C" NOT NULL,
	name    text COLLATE "C" NOT NULL,
	value   text COLLATE "C" NOT NULL,
	user_id text COLLATE "C" NOT NULL,
	PRIMARY KEY (pool, name, value, user_id)
);

CREATE TABLE IF NOT EXISTS userpool_sessions (
	pool         text COLLATE "C" NOT NULL,
	user_id      text COLLATE "C" NOT NULL,
	id           text COLLATE "C" NOT NULL,
	version      bigint NOT NULL,
	epoch        bigint NOT NULL,
	kind         text NOT NULL,
	parent       text COLLATE "C" NOT NULL,
	client       text NOT NULL,
	proofs       text NOT NULL,            -- JSON list, '' for none
	created      bigint NOT NULL,
	last_used    bigint NOT NULL,
	idle         bigint NOT NULL,          -- nanoseconds
	expires      bigint NOT NULL,
	ends         bigint NOT NULL,          -- the earlier of expires and last_used + idle
	confirmation text NOT NULL,
	device       text NOT NULL,
	family_key   bytea,                    -- sealed
	generation   bigint NOT NULL,
	rotated      bigint,
	PRIMARY KEY (pool, user_id, id)
);

CREATE INDEX IF NOT EXISTS userpool_sessions_ends ON userpool_sessions (ends);

CREATE TABLE IF NOT EXISTS userpool_tickets (
	pool    text COLLATE "C" NOT NULL,
	id      text COLLATE "C" NOT NULL,
	version bigint NOT NULL,
	user_id text COLLATE "C" NOT NULL,
	epoch   bigint NOT NULL,
	client  text NOT NULL,
	purpose text NOT NULL,
	mac     bytea,
	code    bytea,
	state   bytea,
	created bigint NOT NULL,
	expires bigint NOT NULL,
	PRIMARY KEY (pool, id)
);

CREATE INDEX IF NOT EXISTS userpool_tickets_user ON userpool_tickets (pool, user_id) WHERE user_id <> '';

CREATE INDEX IF NOT EXISTS userpool_tickets_expires ON userpool_tickets (expires);

-- Attempt counters and watermarks. owner is a user, a ticket or a pseudonym.
CREATE TABLE IF NOT EXISTS userpool_counters (
	pool    text COLLATE "C" NOT NULL,
	owner   text COLLATE "C" NOT NULL,
	name    text COLLATE "C" NOT NULL,
	n       bigint NOT NULL,
	run     bigint NOT NULL,
	start   bigint,
	locked  bigint,                        -- until when
	expires bigint,
	PRIMARY KEY (pool, owner, name)
) WITH (fillfactor = 80);

CREATE INDEX IF NOT EXISTS userpool_counters_expires ON userpool_counters (expires) WHERE expires IS NOT NULL;

CREATE TABLE IF NOT EXISTS userpool_documents (
	pool    text COLLATE "C" NOT NULL,
	kind    text COLLATE "C" NOT NULL,
	id      text COLLATE "C" NOT NULL,
	version bigint NOT NULL,
	body    bytea,
	created bigint,
	updated bigint,
	PRIMARY KEY (pool, kind, id)
);

-- Messages that wait to be sent. lane is storage.Lane of the owner.
CREATE TABLE IF NOT EXISTS userpool_outgoing (
	pool      text COLLATE "C" NOT NULL,
	id        text COLLATE "C" NOT NULL,
	version   bigint NOT NULL,
	owner     text COLLATE "C" NOT NULL,
	lane      bigint NOT NULL,
	class     bigint NOT NULL,
	ticket    text COLLATE "C" NOT NULL,
	body      bytea,                       -- sealed
	tries     bigint NOT NULL,
	due       bigint NOT NULL,
	not_after bigint,
	created   bigint NOT NULL,
	PRIMARY KEY (pool, id)
);

CREATE INDEX IF NOT EXISTS userpool_outgoing_due ON userpool_outgoing (pool, class, due, id, lane);

CREATE INDEX IF NOT EXISTS userpool_outgoing_owner ON userpool_outgoing (pool, owner, created, id);

CREATE INDEX IF NOT EXISTS userpool_outgoing_ticket ON userpool_outgoing (pool, ticket) WHERE ticket <> '';

CREATE INDEX IF NOT EXISTS userpool_outgoing_not_after ON userpool_outgoing (not_after) WHERE not_after IS NOT NULL;

-- moved is the transaction that put it: its place in the feed.
CREATE TABLE IF NOT EXISTS userpool_revocations (
	pool    text COLLATE "C" NOT NULL,
	id      text COLLATE "C" NOT NULL,
	user_id text NOT NULL,
	session text NOT NULL,
	epoch   bigint NOT NULL,
	expires bigint NOT NULL,
	moved   bigint NOT NULL,
	PRIMARY KEY (pool, id)
);

CREATE INDEX IF NOT EXISTS userpool_revocations_moved ON userpool_revocations (moved, pool, id);

CREATE INDEX IF NOT EXISTS userpool_revocations_expires ON userpool_revocations (expires);

-- History. seal is the number of the seal that an event is in, 0 while it is in none.
CREATE TABLE IF NOT EXISTS userpool_events (
	pool     text COLLATE "C" NOT NULL,
	id       text COLLATE "C" NOT NULL,
	time     bigint NOT NULL,
	user_id  text COLLATE "C" NOT NULL,
	kind     text NOT NULL,
	header   bytea,
	personal bytea,                        -- sealed under the person's event key
	leaf     bytea NOT NULL,
	seal     bigint NOT NULL,
	PRIMARY KEY (pool, id)
);

CREATE INDEX IF NOT EXISTS userpool_events_time ON userpool_events (pool, time, id);

CREATE INDEX IF NOT EXISTS userpool_events_user ON userpool_events (pool, user_id, time, id) WHERE user_id <> '';

CREATE INDEX IF NOT EXISTS userpool_events_seal ON userpool_events (pool, seal, time, id);

CREATE TABLE IF NOT EXISTS userpool_seals (
	pool     text COLLATE "C" NOT NULL,
	number   bigint NOT NULL,
	previous bytea,
	digest   bytea,
	count    bigint NOT NULL,
	mac      bytea,
	time     bigint NOT NULL,
	PRIMARY KEY (pool, number)
);

CREATE TABLE IF NOT EXISTS userpool_leases (
	name   text COLLATE "C" PRIMARY KEY,
	holder text NOT NULL,
	until  bigint NOT NULL
);

CREATE INDEX IF NOT EXISTS userpool_leases_until ON userpool_leases (until);

-- Rows to lock in place of what has no row of its own yet, such as a login at which people sign up:
-- whoever counts those and adds one holds its row meanwhile.
CREATE TABLE IF NOT EXISTS userpool_locks (
	bucket smallint PRIMARY KEY
);

INSERT INTO userpool_locks (bucket) SELECT n FROM generate_series(0, 1023) AS n ON CONFLICT DO NOTHING;

-- What apps may join with: users who are somebody, of pools that are not deleted. Columns are only
-- ever added.
CREATE OR REPLACE VIEW userpool_user AS
SELECT
	u.id,
	u.pool AS pool_id,
	CASE u.status WHEN 1 THEN 'confirmed' WHEN 2 THEN 'force_change_password'
		WHEN 3 THEN 'reset_required' WHEN 4 THEN 'external' END AS status,
	u.disabled,
	(SELECT coalesce(l.value ->> 'd', l.value ->> 'v')
		FROM jsonb_array_elements(u.body -> 'l') WITH ORDINALITY AS l (value, place)
		WHERE l.value ->> 'n' IS NULL ORDER BY l.place LIMIT 1) AS login, -- the first, as it was typed
	(SELECT jsonb_agg(coalesce(l.value ->> 'd', l.value ->> 'v') ORDER BY l.place)
		FROM jsonb_array_elements(u.body -> 'l') WITH ORDINALITY AS l (value, place)
		WHERE l.value ->> 'n' IS NULL) AS logins, -- JSON list of user names, addresses and numbers
	u.body -> 'a' ->> 'email' AS email,
	u.body -> 'a' ->> 'phone_number' AS phone_number,
	u.body -> 'a' ->> 'name' AS name,
	coalesce(u.body -> 'a', '{}') AS attributes, -- JSON object
	to_timestamp(u.created / 1000000.0) AS created,
	to_timestamp(u.updated / 1000000.0) AS updated,
	coalesce(u.body -> 'g', '[]') AS groups -- JSON list of names, sorted; the pool may lack some of them
FROM userpool_users AS u JOIN userpool_pools AS p ON p.id = u.pool
WHERE u.status <> 0 AND NOT p.deleted;

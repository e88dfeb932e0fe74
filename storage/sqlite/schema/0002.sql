-- What apps may join with tells the groups too. Columns are only ever added.

DROP VIEW userpool_user;

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
	u.updated,
	coalesce(u.body -> '$.g', '[]') AS groups -- JSON list of names, sorted; the pool may lack some of them
FROM userpool_users AS u JOIN userpool_pools AS p ON p.key = u.pool
WHERE u.status <> 0 AND p.deleted = 0;

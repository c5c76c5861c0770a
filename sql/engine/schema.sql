-- Whether this user may do what a sync does, and what is made again at an upgrade. For SQLAlchemy.

-- name: missing_rights
-- The rights that this user lacks, and on which tables.
SELECT right_name, string_agg(name, ', ' ORDER BY name)
FROM unnest(CAST(:names AS text[])) AS name, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS right_name
WHERE NOT has_table_privilege(name, right_name)
GROUP BY right_name ORDER BY right_name

-- name: hidden_tables
-- Tables with a command for which no policy lets this user at every row, or one that lets it at some rows only.
WITH policies AS (
    SELECT polrelid, polcmd, polpermissive, coalesce(pg_get_expr(polqual, polrelid), 'true') = 'true'
        AND coalesce(pg_get_expr(polwithcheck, polrelid), 'true') = 'true' AS is_true
    FROM pg_policy
    WHERE 0 = ANY(polroles) OR EXISTS (SELECT FROM unnest(polroles) AS r WHERE r <> 0 AND pg_has_role(r, 'USAGE'))
)
SELECT string_agg(name, ', ' ORDER BY name)
FROM unnest(CAST(:names AS text[])) AS name JOIN pg_class AS c ON c.oid = to_regclass(name)
WHERE c.relrowsecurity AND row_security_active(c.oid) AND (
    EXISTS (SELECT FROM policies WHERE polrelid = c.oid AND NOT polpermissive AND NOT is_true)
    OR EXISTS (
        SELECT FROM unnest(CAST('{r,a,w,d}' AS "char"[])) AS command
        WHERE NOT EXISTS (
            SELECT FROM policies WHERE polrelid = c.oid AND polpermissive AND is_true AND polcmd IN (command, '*')
        )
    )
)

-- name: owners_of_schemas
-- Who owns each schema and may make something in it, but for this user and superusers.
SELECT n.nspname AS name,
    CASE WHEN NOT o.rolsuper AND o.rolname <> current_user THEN quote_ident(o.rolname) END AS owner,
    ARRAY(
        SELECT DISTINCT coalesce(quote_ident(r.rolname), 'PUBLIC')
        FROM aclexplode(n.nspacl) AS g LEFT JOIN pg_roles AS r ON r.oid = g.grantee
        WHERE g.privilege_type = 'CREATE' AND g.grantee <> n.nspowner AND r.rolsuper IS NOT TRUE
            AND r.rolname IS DISTINCT FROM current_user ORDER BY 1
    ) AS makers
FROM pg_namespace AS n JOIN pg_roles AS o ON o.oid = n.nspowner
WHERE n.nspname = ANY(:schemas) ORDER BY 1

-- name: may_create
-- User and database as SQL spells them, and whether the user may make schemas and temporary tables in it.
SELECT quote_ident(current_user), quote_ident(current_database()),
    has_database_privilege(current_database(), 'CREATE') AND has_database_privilege(current_database(), 'TEMPORARY')

-- name: grants
-- What can be made again, and what was granted on it to others than its owner; null where its rights were never changed.
SELECT o.object, o.oid, CASE WHEN o.acl IS NOT NULL THEN ARRAY(
    SELECT format('GRANT %s ON %s TO %s%s', g.privilege_type, o.object,
        CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
        CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM aclexplode(o.acl) AS g WHERE g.grantee <> o.owner
) END AS grants
FROM (
    SELECT CAST(CAST(oid AS regclass) AS text) AS object, oid, relowner AS owner, relacl AS acl
    FROM pg_class WHERE relkind = 'v' AND relnamespace = ANY(CAST(:schemas AS regnamespace[]))
    UNION ALL
    SELECT 'FUNCTION ' || CAST(CAST(oid AS regprocedure) AS text), oid, proowner, proacl
    FROM pg_proc WHERE prokind = 'f' AND pronamespace = ANY(CAST(:schemas AS regnamespace[]))
) AS o

-- name: views_on
-- The views of ours that use this one.
SELECT v.name FROM protime_etl.views AS v JOIN pg_rewrite AS r ON r.ev_class = to_regclass(v.name)
WHERE r.ev_class <> to_regclass(:name) AND EXISTS (
    SELECT FROM pg_depend AS d
    WHERE d.classid = CAST('pg_rewrite' AS regclass) AND d.objid = r.oid AND d.refobjid = to_regclass(:name)
)

-- name: note_made_from
-- Keeps what a view or function was made from.
INSERT INTO protime_etl.views (name, sha256) VALUES (:name, :digest)
ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256

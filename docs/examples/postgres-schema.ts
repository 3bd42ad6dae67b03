/**
 * What the registry keeps in the database: three tables, and functions that change them. Every change is one call of one
 * function, so it is one transaction, and no lock is ever held while a client is waited for.
 *
 * A function that changes something begins with `enter`, which lets one transaction in at a time. That is the price of
 * this design: commits wait for each other, for the disk and for synchronous replicas too. It buys tokens in the order
 * of commits and a log without gaps, and readers never wait. The scheduler sends up to 500 writes in one commit.
 *
 * Another layout needs another schema, so that old and new nodes never meet in one that only half of them know.
 *
 * @param schema a lower-case name; it is the name of the lock and of the channel for notifications as well
 * @returns one statement that makes what is not there yet; any number of nodes may run it at the same time
 */
export const setUpSql = (schema: string): string => `
DO $setup$ BEGIN
PERFORM pg_advisory_xact_lock(hashtextextended('${schema}', 0));
IF to_regclass('${schema}.log') IS NOT NULL THEN RETURN; END IF;
IF to_regnamespace('${schema}') IS NULL THEN CREATE SCHEMA ${schema}; END IF;

CREATE TABLE ${schema}.documents (
  key text COLLATE "C" PRIMARY KEY, -- C: in the order of bytes
  value bytea NOT NULL, -- text cannot hold NUL; to read it: convert_from(value, 'UTF8')
  token bigint NOT NULL,
  session text
);
CREATE INDEX ON ${schema}.documents (session) WHERE session IS NOT NULL;
CREATE TABLE ${schema}.sessions (id text PRIMARY KEY, expires_at timestamptz NOT NULL);
-- The keys that a commit changed, by its last token.
CREATE TABLE ${schema}.log (token bigint PRIMARY KEY, keys text[] NOT NULL);

CREATE FUNCTION ${schema}.microseconds() RETURNS bigint LANGUAGE sql AS
  'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint';
-- The first entry is nobody's change: it gives watchers a position to hold on to.
INSERT INTO ${schema}.log VALUES (${schema}.microseconds(), '{}');

-- Tells watchers of changed keys. The notification names folders (the first two segments), so that nodes are not woken
-- by what they do not watch; an empty one, where there are too many to name, wakes everybody.
CREATE FUNCTION ${schema}.tell(at bigint, changed text[]) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
  folders text := (SELECT string_agg(DISTINCT substring(key FROM '^(?:[^/]*/){0,2}'), E'\\n') FROM unnest(changed) AS key);
BEGIN
  INSERT INTO ${schema}.log VALUES (at, changed);
  PERFORM pg_notify('${schema}', CASE WHEN octet_length(folders) < 8000 THEN folders ELSE '' END);
END $body$;

-- Lets one transaction in at a time; ends sessions whose time is over, and the one that leaves. Returns a token that is
-- as large as any before: those of the clock make tokens grow on when all data is lost.
CREATE FUNCTION ${schema}.enter(leaving text) RETURNS bigint LANGUAGE plpgsql AS $body$
DECLARE
  at bigint;
  ended text[];
  gone text[];
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('${schema}', 0));
  at := greatest((SELECT max(token) FROM ${schema}.log), ${schema}.microseconds());
  WITH removed AS (
    DELETE FROM ${schema}.sessions WHERE expires_at <= clock_timestamp() OR id = leaving RETURNING id
  ) SELECT array_agg(id) INTO ended FROM removed;
  IF ended IS NULL THEN RETURN at; END IF;
  WITH removed AS (
    DELETE FROM ${schema}.documents WHERE session = ANY (ended) RETURNING key
  ) SELECT array_agg(key) INTO gone FROM removed;
  IF gone IS NULL THEN RETURN at; END IF;
  PERFORM ${schema}.tell(at + 1, gone);
  RETURN at + 1;
END $body$;

-- Applies each write on its own, in the order given. Where a condition fails it returns the document that stands there.
CREATE FUNCTION ${schema}.write(keys text[], contents bytea[], conditions text[], bindings text[])
RETURNS TABLE (done boolean, expired boolean, token bigint, value bytea, session text) LANGUAGE plpgsql AS $body$
#variable_conflict use_column
DECLARE
  at bigint := ${schema}.enter(NULL);
  changed text[] := '{}';
  wanted record;
  present ${schema}.documents;
BEGIN
  FOR wanted IN SELECT * FROM unnest(keys, contents, conditions, bindings) AS w (key, value, condition, session) LOOP
    SELECT d.* INTO present FROM ${schema}.documents d WHERE d.key = wanted.key;
    done := wanted.condition IS NULL OR wanted.condition = coalesce(present.token::text, 'absent');
    expired := done AND wanted.session IS NOT NULL
      AND NOT EXISTS (SELECT FROM ${schema}.sessions s WHERE s.id = wanted.session);
    done := done AND NOT expired;
    IF done THEN
      at := at + 1;
      changed := changed || wanted.key;
      IF wanted.value IS NULL THEN
        DELETE FROM ${schema}.documents d WHERE d.key = wanted.key;
      ELSE
        INSERT INTO ${schema}.documents VALUES (wanted.key, wanted.value, at, wanted.session)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value, token = excluded.token, session = excluded.session;
      END IF;
      SELECT at, NULL, NULL INTO token, value, session;
    ELSE
      SELECT present.token, present.value, present.session INTO token, value, session;
    END IF;
    RETURN NEXT;
  END LOOP;
  IF changed <> '{}' THEN PERFORM ${schema}.tell(at, changed); END IF;
END $body$;

CREATE FUNCTION ${schema}.renew(session text, ttl_ms double precision) RETURNS boolean LANGUAGE plpgsql AS $body$
BEGIN
  PERFORM ${schema}.enter(NULL);
  UPDATE ${schema}.sessions SET expires_at = clock_timestamp() + ttl_ms * interval '1 ms' WHERE id = session;
  RETURN FOUND;
END $body$;

-- What every node does once a second. The log keeps five minutes, and the entry before them: whoever has been told of
-- everything up to there has missed nothing, however long ago that was.
CREATE FUNCTION ${schema}.tidy() RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
  IF EXISTS (SELECT FROM ${schema}.sessions WHERE expires_at <= clock_timestamp()) THEN
    PERFORM ${schema}.enter(NULL);
  END IF;
  DELETE FROM ${schema}.log WHERE token < (
    SELECT max(token) FROM ${schema}.log WHERE token < ${schema}.microseconds() - 300 * 1000000
  );
END $body$;
END $setup$`;

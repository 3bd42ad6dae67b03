-- Opens a session.
-- KEYS: documents index counter sessions bound log
-- ARGV: session ttlMs
-- Returns { server time in ms, newest position of the log, ms until the next session ends }
call('ZADD', SESSIONS, decimal(now() + tonumber(ARGV[2])), ARGV[1])
return pulse()

-- Prolongs a session that is not over, and removes what expired ones left behind.
-- KEYS: documents index counter sessions bound log
-- ARGV: session ttlMs
-- Returns { server time in ms, newest position of the log, ms until the next session ends or -1, '1' prolonged or '0' over }
local prolonged = isAlive(ARGV[1])
if prolonged then call('ZADD', SESSIONS, decimal(now() + tonumber(ARGV[2])), ARGV[1]) end
reap()
finish()
local answer = pulse()
answer[4] = prolonged and '1' or '0'
return answer

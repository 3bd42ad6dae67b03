-- Ends a session now, with its documents.
-- KEYS: documents index counter sessions bound log
-- ARGV: session
-- Returns nothing.
if call('ZSCORE', SESSIONS, ARGV[1]) then
  call('ZADD', SESSIONS, 0, ARGV[1])
  drop(ARGV[1])
  finish()
end

-- Removes what expired sessions left behind, and tells the time.
-- KEYS: documents index counter sessions bound log
-- ARGV:
-- Returns { server time in ms, newest position of the log, ms until the next session ends or -1 }
reap()
finish()
return pulse()

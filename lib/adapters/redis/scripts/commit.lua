-- Applies each write on its own, in the order given.
-- KEYS: documents index counter sessions bound log
-- ARGV: (key operation condition session value)...
--   operation  P put, D delete; p and d likewise, for keys that nobody watches: they stay out of the log
--   condition  '' always, 'absent', or the revision it must still have
--   session    '' or the id of the session the document shall end with
-- Returns one text per write: '+<token>' done; '-<document>' the condition failed, with the document that stands there,
-- if any; '!' the session is over.
local function holds(condition, document)
  if condition == '' then return true end
  if condition == 'absent' then return not document end
  return document and string.match(document, '^%d+') == condition
end

local results = {}
for i = 1, #ARGV, 5 do
  local key, operation, condition, session = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local stored = call('HGET', DOCUMENTS, key)
  local current = visible(stored)
  local result
  if not holds(condition, current) then
    result = '-' .. (current or '')
  elseif session ~= '' and not isAlive(session) then
    result = '!'
  else
    local at = nextToken()
    local document = false
    if operation == 'P' or operation == 'p' then
      document = at .. ':' .. session .. ':' .. ARGV[i + 4]
      put(key, stored, document, session)
    elseif stored then
      erase(key, stored)
    end
    if operation == 'P' or (operation == 'D' and stored) then log(key, document, at) end
    result = '+' .. at
  end
  results[#results + 1] = result
end
finish()
return results

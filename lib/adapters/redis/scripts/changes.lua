-- What changed after a position of the log. A position is an entry that must still be there: if it is not (trimmed, or
-- the data was lost, restored or failed over), events may have been lost and the answer is 'resync'.
-- KEYS: documents index counter sessions bound log
-- ARGV: position limit
--   position  '' asks for the newest one
-- Returns { 'more' | 'end' | 'resync', position reached, key, document or '', ... }: each key once, as it is now.
local PAGE_BYTES = 1048576
local position, limit = ARGV[1], tonumber(ARGV[2])
if position == '' or #call('XRANGE', LOG, position .. '-0', position .. '-0') == 0 then
  local head = logHead()
  if head == '0' then
    -- The first entry of a log is nobody's change: it gives watchers something to hold on to.
    head = nextToken()
    call('XADD', LOG, head .. '-0', 'k', '')
    finish()
  end
  return { position == '' and 'end' or 'resync', head }
end
local answer, seen, size = { 'end', position }, {}, 0
local entries = call('XRANGE', LOG, '(' .. position .. '-0', '+', 'COUNT', limit)
for i, entry in ipairs(entries) do
  local key = entry[2][2]
  answer[2] = string.match(entry[1], '^%d+')
  if key ~= '' and not seen[key] then
    seen[key] = true
    local document = visible(call('HGET', DOCUMENTS, key)) or ''
    size = size + #document
    answer[#answer + 1] = key
    answer[#answer + 1] = document
  end
  if i == limit or size > PAGE_BYTES then
    answer[1] = 'more'
    break
  end
end
return answer

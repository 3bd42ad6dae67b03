-- One page of the documents under a prefix, in byte order of their keys.
-- KEYS: documents index counter sessions bound log
-- ARGV: prefix from limit
--   from   where to begin: '[<prefix>', or '(<last key of the page before>'
-- Returns { last key looked at where more may follow, else '', key, document, key, document, ... }
local PAGE_BYTES = 1048576
local prefix, from, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local page, count, size, last = { '' }, 0, 0, ''
local bound = leafOf(string.sub(from, 2))
while bound do
  local keys = call('ZRANGEBYLEX', INDEX .. ':' .. bound, from, '+', 'LIMIT', 0, limit - count + 1)
  local documents = #keys > 0 and call('HMGET', DOCUMENTS, unpack(keys)) or {}
  for i, key in ipairs(keys) do
    if string.sub(key, 1, #prefix) ~= prefix then return page end
    if count == limit or size > PAGE_BYTES then
      page[1] = last
      return page
    end
    last = key
    count = count + 1
    local document = visible(documents[i])
    if document then
      size = size + #document
      page[#page + 1] = key
      page[#page + 1] = document
    end
  end
  bound = call('ZRANGEBYLEX', INDEX, '(' .. bound, '+', 'LIMIT', 0, 1)[1]
end
return page

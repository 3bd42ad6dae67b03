-- Prelude of every script: the layout of one group of keys, and the steps the scripts share. All keys of a group carry
-- one hash tag, so they live in one slot; keys derived here (the leaves of the index) begin with a declared key.
--
-- KEYS: documents index counter sessions bound log
--   documents  hash    <key> -> '<token>:<session or nothing>:<value>'; the token is the revision too
--   index      zset    all keys in byte order, in leaves of at most 100: members are the leaves' lower bounds, leaf b is
--                      the zset '<index>:b'. Small zsets are packed, so a key costs its length and some five bytes
--   counter    string  the last token
--   sessions   zset    session id, scored by its expiry in ms of the server's clock
--   bound      zset    '<session id> <key>' for every document bound to a session
--   log        stream  '<token>-0' k <key>: what changed, for watchers; its name is the channel of the wake-up too
local DOCUMENTS, INDEX, COUNTER, SESSIONS, BOUND, LOG = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local LEAF_MAX, LOG_MAX, INLINE_BYTES, DROP_MAX = 100, 2000, 16384, 500
local call = redis.call

local function decimal(number) return string.format('%.0f', number) end

-- The server's clock, read once per script: microseconds and milliseconds.
local micros
local function now()
  if not micros then
    local time = call('TIME')
    micros = tonumber(time[1]) * 1000000 + tonumber(time[2])
  end
  return math.floor(micros / 1000)
end

-- The token of the newest entry of the log, or '0'.
local function logHead()
  local newest = call('XREVRANGE', LOG, '+', '-', 'COUNT', 1)[1]
  return newest and string.match(newest[1], '^%d+') or '0'
end

-- The larger of "one more than the last" and the time in microseconds: it grows even after all data is lost.
local token
local function nextToken()
  if token then
    token = token + 1
  else
    now()
    token = math.max(tonumber(call('GET', COUNTER) or logHead()) + 1, micros)
  end
  return decimal(token)
end

-- Sessions end by the clock, at once and for every reader; the reaper only tidies up behind them.
local known = {}
local function isAlive(session)
  if known[session] == nil then
    local expiry = call('ZSCORE', SESSIONS, session)
    known[session] = expiry and tonumber(expiry) > now() or false
  end
  return known[session]
end

local function sessionOf(document) return string.match(document, '^%d+:([^:]*):') end

-- The document as a reader may see it, or false: one whose session is over is not there.
local function visible(document)
  if not document then return false end
  local session = sessionOf(document)
  return (session == '' or isAlive(session)) and document
end

local function leafOf(key)
  return call('ZREVRANGEBYLEX', INDEX, '[' .. key, '-', 'LIMIT', 0, 1)[1]
end

local function splitLeaf(leaf, size, added)
  -- Names that come in ascending order leave full leaves behind, others half full ones.
  local isLast = call('ZRANGE', leaf, -1, -1)[1] == added
  local cut = isLast and size - 1 or math.floor(size / 2)
  local upper = {}
  for _, key in ipairs(call('ZRANGE', leaf, cut, -1)) do
    upper[#upper + 1] = 0
    upper[#upper + 1] = key
  end
  call('ZREMRANGEBYRANK', leaf, cut, -1)
  call('ZADD', INDEX, 0, upper[2])
  call('ZADD', INDEX .. ':' .. upper[2], unpack(upper))
end

local function addToIndex(key)
  local bound = leafOf(key)
  if not bound then
    bound = ''
    call('ZADD', INDEX, 0, bound)
  end
  local leaf = INDEX .. ':' .. bound
  call('ZADD', leaf, 0, key)
  local size = call('ZCARD', leaf)
  if size > LEAF_MAX then splitLeaf(leaf, size, key) end
end

local function removeFromIndex(key)
  local bound = leafOf(key)
  if not bound then return end
  local leaf = INDEX .. ':' .. bound
  call('ZREM', leaf, key)
  if bound ~= '' and call('EXISTS', leaf) == 0 then call('ZREM', INDEX, bound) end
end

-- What this script changed, for the log and for one message: position before, position after, key, document or false...
local changes, bytes
local function log(key, document, at)
  if not changes then changes, bytes = { logHead() }, 0 end
  call('XADD', LOG, 'MAXLEN', '~', LOG_MAX, at .. '-0', 'k', key)
  changes[2] = at
  bytes = bytes + #key + #(document or '')
  if bytes <= INLINE_BYTES then
    changes[#changes + 1] = key
    changes[#changes + 1] = document
  end
end

local function unbind(key, document)
  local session = sessionOf(document)
  if session ~= '' then call('ZREM', BOUND, session .. ' ' .. key) end
end

local function put(key, stored, document, session)
  if stored then unbind(key, stored) else addToIndex(key) end
  if session ~= '' then call('ZADD', BOUND, 0, session .. ' ' .. key) end
  call('HSET', DOCUMENTS, key, document)
end

local function erase(key, stored)
  unbind(key, stored)
  removeFromIndex(key)
  call('HDEL', DOCUMENTS, key)
end

-- Removes a session that is over with its documents, at most DROP_MAX of them: the rest stays invisible and goes next
-- time. Returns how many it removed.
local function drop(session)
  local members = call('ZRANGEBYLEX', BOUND, '[' .. session .. ' ', '(' .. session .. '!', 'LIMIT', 0, DROP_MAX)
  for _, member in ipairs(members) do
    local key = string.sub(member, #session + 2)
    local stored = call('HGET', DOCUMENTS, key)
    if stored and sessionOf(stored) == session then
      erase(key, stored)
      log(key, false, nextToken())
    else
      call('ZREM', BOUND, member)
    end
  end
  if #members < DROP_MAX then call('ZREM', SESSIONS, session) end
  return #members
end

local function reap()
  local removed = 0
  for _, session in ipairs(call('ZRANGEBYSCORE', SESSIONS, '-inf', decimal(now()), 'LIMIT', 0, 100)) do
    removed = removed + drop(session)
    if removed >= DROP_MAX then return end
  end
end

-- Last step of every script that may write.
local function finish()
  if token then call('SET', COUNTER, decimal(token)) end
  if changes then
    if bytes > INLINE_BYTES then changes = { changes[1], changes[2] } end
    -- A user without this right must not see a write fail that was done; watchers poll.
    redis.pcall('PUBLISH', LOG, cjson.encode(changes))
  end
end

-- For the caller's clock and timers: time, newest position of the log, ms until the next session ends (or -1).
local function pulse()
  local first = call('ZRANGE', SESSIONS, 0, 0, 'WITHSCORES')
  local left = first[2] and math.max(0, tonumber(first[2]) - now()) or -1
  return { decimal(now()), logHead(), decimal(left) }
end

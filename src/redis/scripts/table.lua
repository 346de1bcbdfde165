-- Shared by the scripts, and prepended to each of them.
--
-- KEYS  1  table, ZSET: c = last position, e<epoch> = 0, f = floor, and of each tag that was ever
--          invalidated x<tag> = hard position, s<tag> = soft position, d<tag> = minus its deadline
--          in ms, which never shows up in a range by position
--       2  history, ZSET: the last 1024 positions, each its own score
--       3  instances, ZSET: instance = position it has applied; born:<us> = +inf since when
--       4  polls, HASH: instance = last position at its latest poll
--
-- Positions are doubles below 2^53, exact. `..` and tostring would round them.

local TABLE, HISTORY, INSTANCES, POLLS = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local INSTANCES_MS = 60000
local LISTED = 1024
local MOST_POSITION = 4503599627370496

local function text(number)
  return string.format('%.0f', number)
end

local function score(key, member)
  local found = redis.call('ZSCORE', key, member)
  return found and tonumber(found)
end

local function now_us()
  local now = redis.call('TIME')
  return now[1] * 1000000 + now[2]
end

-- The first write of every script needs no memory: the server then does not refuse the writes after
-- it
-- when it has none left.
local function prolong()
  redis.call('PEXPIRE', INSTANCES, INSTANCES_MS)
  redis.call('PEXPIRE', POLLS, INSTANCES_MS)
end

-- Epoch and last position of the table; nothing if it is missing or broken.
local function life()
  local last = score(TABLE, 'c')
  local epoch = redis.call('ZRANGEBYSCORE', TABLE, 0, 0, 'LIMIT', 0, 1)[1]
  if last and last > 0 and last <= MOST_POSITION and epoch and string.sub(epoch, 1, 1) == 'e' then
    return string.sub(epoch, 2), last
  end
end

local function list(position)
  redis.call('ZADD', HISTORY, text(position), text(position))
  redis.call('ZREMRANGEBYRANK', HISTORY, 0, -1 - LISTED)
end

local function is_listed(position)
  return redis.call('ZSCORE', HISTORY, text(position))
end

-- Whether an applied position, and `count` open positions from ARGV[first] on, belong to this
-- history.
local function knows(applied, first, count)
  if not is_listed(applied) then
    return false
  end
  for i = first, first + count - 1 do
    if not is_listed(tonumber(ARGV[i])) then
      return false
    end
  end
  return true
end

-- Returns the next position, later than the last and than now. The step is random, so that a server
-- that has lost the last positions does not return them again.
local function advance(now, last, step)
  local position = math.max(now, last) + step
  redis.call('ZADD', TABLE, text(position), 'c')
  list(position)
  return position
end

-- When the list of instances was created, in us; 0 if there is none.
local function born()
  local member = redis.call('ZREVRANGE', INSTANCES, 0, 0)[1]
  return member and string.match(member, '^born:(%d+)$') or '0'
end

-- One row as scripts return it: positions, deadline in ms, 0 = none, and the tag with its length.
local function row(tag, hard, soft, deadline)
  return string.format('%.0f %.0f %.0f %d:', hard, soft, deadline, #tag) .. tag
end

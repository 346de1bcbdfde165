-- Adds a batch to the counts of a group, once.
--
-- KEYS    1  sums, ZSET: id = its sum
--         2  when something was added last, ZSET: id = ms
--         3  begins the name of the last batch of a sender
--         4  begins the name of a bucket, ZSET as the sums; its length in ms and its number end it
--         5  begins the name of the members of an id, HyperLogLog
-- ARGV    1  sender, or '' if nobody sends it again
--         2  number of the batch: larger than that of each before
--         3  ms that it is remembered
--         4  ms that an id lives to which nothing is added
--         5  length of a bucket in ms
--         6  ms that buckets reach back
--         7  how many adds there are
--         8… of each add: id, how much, ms ago; then of each id with new members: id, how many, members
-- Result  1, or 0 if it was added before

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local SUMS, SEEN, BUCKET, MEMBERS = KEYS[1], KEYS[2], KEYS[4] .. ARGV[5] .. ':', KEYS[5]
local ttl, length, history = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local function text(number)
  return string.format('%.0f', number)
end

-- A key never lives for shorter than before; -2: it is none.
local function keep(key, ms)
  local left = redis.call('PTTL', key)
  if left ~= -2 and left < ms then
    redis.call('PEXPIRE', key, text(ms))
  end
end

local mark = KEYS[3] .. ARGV[1]
if ARGV[1] ~= '' and tonumber(redis.call('GET', mark) or 0) >= tonumber(ARGV[2]) then
  return 0
end

-- Ids that are over are forgotten, so many per batch: more than are in one.
local over = redis.call('ZRANGEBYSCORE', SEEN, '-inf', text(now - ttl), 'LIMIT', 0, 1000)
if #over > 0 then
  redis.call('ZREM', SUMS, unpack(over))
  redis.call('ZREM', SEEN, unpack(over))
end

local oldest = math.floor((now - history) / length)

local function seen(id)
  local last = tonumber(redis.call('ZSCORE', SEEN, id) or 0)
  -- One that is over begins anew: the sum of one that was not reached above, and the only bucket that
  -- is as old, for an id lives for as long as buckets are kept.
  if last <= now - ttl then
    if last > 0 then
      redis.call('ZREM', SUMS, id)
    end
    redis.call('ZREM', BUCKET .. text(oldest), id)
  end
  redis.call('ZADD', SEEN, text(now), id)
end

-- Members first: they may be added twice, so that a user who may not is told each time.
local at = 8 + 3 * ARGV[7]
while at <= #ARGV do
  local id, count = ARGV[at], tonumber(ARGV[at + 1])
  seen(id)
  redis.call('PFADD', MEMBERS .. id, unpack(ARGV, at + 2, at + 1 + count))
  keep(MEMBERS .. id, ttl)
  at = at + 2 + count
end

if ARGV[1] ~= '' then
  redis.call('SET', mark, ARGV[2], 'PX', ARGV[3])
end
local touched = {}
for one = 8, 7 + 3 * ARGV[7], 3 do
  local id, sum, moment = ARGV[one], ARGV[one + 1], now - ARGV[one + 2]
  seen(id)
  keep(MEMBERS .. id, ttl)
  redis.call('ZADD', SUMS, 'INCR', sum, id)
  local number = math.floor(moment / length)
  if number >= oldest then
    local bucket = BUCKET .. text(number)
    redis.call('ZADD', bucket, 'INCR', sum, id)
    touched[bucket] = (number + 2) * length + history - now
  end
end
for bucket, ms in pairs(touched) do
  keep(bucket, ms)
end
keep(SUMS, ttl)
keep(SEEN, ttl)
return 1

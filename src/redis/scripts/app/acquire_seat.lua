-- Takes a seat if fewer than the limit are held.
--
-- KEYS    1  holders, ZSET: owner = when it ends in ms
-- ARGV    1  owner; '' only looks
--         2  ms it is held
--         3  how many there are
-- Result  1 if it is held, or would be, else 0; how many are held then; the ms in which the first of
--         them ends, 0 if none is held

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function text(number)
  return string.format('%.0f', number)
end

-- When the first of those that are held ends.
local function first()
  local one =
    redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. text(now), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return one[2] and tonumber(one[2]) - now or 0
end

local held = redis.call('ZCOUNT', KEYS[1], '(' .. text(now), '+inf')
local is_free = held < tonumber(ARGV[3])
if ARGV[1] == '' then
  return {is_free and 1 or 0, held, first()}
end
local own = redis.call('ZSCORE', KEYS[1], ARGV[1])
-- Who asks twice did not hear the first answer.
local is_own = own and tonumber(own) > now
if not is_own and not is_free then
  return {0, held, first()}
end
local over = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', text(now), 'LIMIT', 0, 1000)
if #over > 0 then
  redis.call('ZREM', KEYS[1], unpack(over))
end
redis.call('ZADD', KEYS[1], text(now + ARGV[2]), ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return {1, is_own and held or held + 1, first()}

-- Keeps a seat for longer, or gives it back, if its owner still has it.
--
-- KEYS    1  holders, as of acquire_seat.lua
-- ARGV    1  owner
--         2  ms from now on; 0 gives it back
-- Result  1, or 0 if it has it no more

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0)
if ARGV[2] == '0' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  return ends > now and 1 or 0
end
if ends <= now then
  return 0
end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1

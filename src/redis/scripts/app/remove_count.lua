-- Forgets an id, its buckets and its members.
--
-- KEYS    see add_counts.lua
-- ARGV    1  id
--         2  ms that an id lives to which nothing is added
--         3  length of a bucket in ms
--         4  ms that buckets are kept
-- Result  what it added up to; nil if it was not there

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local id, length = ARGV[1], tonumber(ARGV[3])

local last = tonumber(redis.call('ZSCORE', KEYS[2], id) or 0)
local sum = redis.call('ZSCORE', KEYS[1], id) or 0
redis.call('ZREM', KEYS[1], id)
redis.call('ZREM', KEYS[2], id)
redis.call('DEL', KEYS[5] .. id)
for number = math.floor((now - ARGV[4]) / length), math.floor(now / length) do
  redis.call('ZREM', KEYS[4] .. ARGV[3] .. ':' .. string.format('%.0f', number), id)
end
if last <= now - ARGV[2] then
  return false
end
return string.format('%.0f', sum)

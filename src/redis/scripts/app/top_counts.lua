-- Lists the ids with the largest sums.
--
-- KEYS    see add_counts.lua
-- ARGV    1  how many
--         2  ms that an id lives to which nothing is added
-- Result  of each its id and its sum, the largest first

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local over =
  redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now - ARGV[2]), 'LIMIT', 0, 1000)
if #over > 0 then
  redis.call('ZREM', KEYS[1], unpack(over))
  redis.call('ZREM', KEYS[2], unpack(over))
end
local flat, answer = redis.call('ZREVRANGE', KEYS[1], 0, ARGV[1] - 1, 'WITHSCORES'), {}
for at = 1, #flat, 2 do
  local last = tonumber(redis.call('ZSCORE', KEYS[2], flat[at]) or 0)
  if last > now - ARGV[2] and tonumber(flat[at + 1]) ~= 0 then
    table.insert(answer, flat[at])
    table.insert(answer, string.format('%.0f', flat[at + 1]))
  end
end
return answer

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
local answer, most, looks = {}, 2 * ARGV[1], 0

-- Those that are over, and were not reached above, are passed over, so many at most.
local function list(from, to)
  local at = 0
  while #answer < most and looks < 20 do
    local flat = redis.call('ZREVRANGEBYSCORE', KEYS[1], from, to, 'WITHSCORES', 'LIMIT', at, 1000)
    for one = 1, #flat, 2 do
      local last = tonumber(redis.call('ZSCORE', KEYS[2], flat[one]) or 0)
      if last > now - ARGV[2] and #answer < most then
        table.insert(answer, flat[one])
        table.insert(answer, string.format('%.0f', flat[one + 1]))
      end
    end
    if #flat < 2000 then
      return
    end
    at, looks = at + 1000, looks + 1
  end
end

list('+inf', '(0')
list('(0', '-inf')
return answer

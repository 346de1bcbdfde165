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
local answer, most, looks = {}, 2 * ARGV[1], 20000
-- At once; each costs a look at when something was added to it last.
local part = math.max(100, tonumber(ARGV[1]))

local function count(from)
  return redis.call('ZCOUNT', KEYS[1], from, '+inf')
end

-- By place. Those that are over, and were not reached above, are passed over, so many at most.
local function list(at, to)
  while at < to and #answer < most and looks > 0 do
    local last = math.min(at + part, to) - 1
    local flat = redis.call('ZREVRANGE', KEYS[1], at, last, 'WITHSCORES')
    for one = 1, #flat, 2 do
      if #answer == most then return end
      local seen = tonumber(redis.call('ZSCORE', KEYS[2], flat[one]) or 0)
      if seen > now - ARGV[2] then
        table.insert(answer, flat[one])
        table.insert(answer, string.format('%.0f', flat[one + 1]))
      end
    end
    at, looks = at + part, looks - part
  end
end

-- What adds up to nothing takes no place.
list(0, count('(0'))
list(count('0'), count('-inf'))
return answer

-- Reads the sum of an id, and its buckets.
--
-- KEYS    see add_counts.lua
-- ARGV    1  id
--         2  sender
--         3  ms that the buckets reach back; 0 = none are read
--         4  ms that an id lives to which nothing is added
--         5  length of a bucket in ms
--         6  ms that buckets are kept
-- Result  sum; number of the sender's last batch; the present moment in ms; number of the first
--         bucket; what is in that and each after it, until now

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local id, span, length = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[5])

local function text(number)
  return string.format('%.0f', number)
end

local last = tonumber(redis.call('ZSCORE', KEYS[2], id) or 0)
local is_over = last <= now - ARGV[4]
local sum = not is_over and redis.call('ZSCORE', KEYS[1], id) or 0
local first = math.floor((now - span) / length)
local answer = {text(sum), redis.call('GET', KEYS[3] .. ARGV[2]) or 0, text(now), text(first)}
if span > 0 then
  for number = first, math.floor(now / length) do
    local key = KEYS[4] .. ARGV[5] .. ':' .. text(number)
    table.insert(answer, text(not is_over and redis.call('ZSCORE', key, id) or 0))
  end
end
return answer

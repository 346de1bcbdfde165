-- Adds to a number in decimal digits.
--
-- KEYS    1  number; none counts as 0
-- ARGV    1  how much, which may be negative
--         2  ms that a number that is new lives, or one that would never end
-- Result  the sum; nil if what is there is no number, or the sum is none that a double can tell

local MOST = 9007199254740991

local old = redis.call('GET', KEYS[1]) or '0'
if not string.match(old, '^%-?%d+$') or #old > 17 then
  return false
end
local sum = tonumber(old) + tonumber(ARGV[1])
if sum > MOST or sum < -MOST then
  return false
end
local left = redis.call('PTTL', KEYS[1])
redis.call('SET', KEYS[1], string.format('%.0f', sum), 'PX', left > 0 and left or ARGV[2])
return string.format('%.0f', sum)

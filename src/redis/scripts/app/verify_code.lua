-- Compares a code that somebody typed. A right one is of no use afterwards, and so is one that was
-- guessed at too often.
--
-- KEYS    1  subject; see issue_code.lua
-- ARGV    1  hash of what was typed; '-' only makes the code of no use
-- Result  'right' and 0; 'wrong' and the wrong answers left; 'none' and 0

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local value = redis.call('GET', KEYS[1]) or ''
local hash, left, over, rest = string.match(value, '^(%S+) (%d+) (%d+) (.*)$')
local life = redis.call('PTTL', KEYS[1])
if not hash or hash == '-' or tonumber(over) <= now or life <= 0 then
  return {'none', 0}
end

-- Takes as long wherever they differ.
local differences = math.abs(#hash - #ARGV[1])
for at = 1, #hash do
  if string.byte(hash, at) ~= string.byte(ARGV[1], at) then
    differences = differences + 1
  end
end

left = tonumber(left) - 1
if differences == 0 or ARGV[1] == '-' or left <= 0 then
  hash = '-'
end
redis.call('SET', KEYS[1], string.format('%s %d %s %s', hash, left, over, rest), 'PX', life)
if differences == 0 then
  return {'right', 0}
end
return {'wrong', left}

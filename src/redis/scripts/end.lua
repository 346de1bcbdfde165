-- Ends the lease of an instance, if it still is its own.
--
-- KEYS    1  entry
--         2  lease
--         3  pass
-- ARGV    1  instance
--         2  ms for which nobody need wait for anybody; 0 = that is over; empty = as it was
--         3  when that holds: 'always'; 'led' = if somebody has the lease, for else what was waited
--            for is there; 'own' = if the instance had it still, and nothing was stored
-- Result  nil

-- What is no lease is nobody's.
local lease = redis.pcall('GET', KEYS[2])
local is_led = type(lease) == 'string'
local is_own = is_led and string.match(lease, '^%x+') == ARGV[1]
if is_own then
  redis.call('DEL', KEYS[2])
end
if ARGV[3] == 'led' and not is_led then
  return false
end
if ARGV[3] == 'own' and not (is_own and redis.call('EXISTS', KEYS[1]) == 0) then
  return false
end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[3])
elseif ARGV[2] ~= '' then
  redis.call('SET', KEYS[3], '1', 'PX', ARGV[2])
end
return false

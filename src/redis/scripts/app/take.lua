-- Reads and removes a value: of all who do at once, one gets it.
--
-- KEYS    1  value
-- ARGV    none
-- Result  the value; nil if there is none

local value = redis.call('GET', KEYS[1])
if value then
  redis.call('DEL', KEYS[1])
end
return value

-- Removes an entry if it is still the one that was read: another may have been stored meanwhile.
--
-- KEYS    1  entry
-- ARGV    1  its first bytes, as they were read
-- Result  the bytes that it took; nil if it has gone, or is another

if redis.pcall('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then
  return false
end
local bytes = redis.call('STRLEN', KEYS[1])
redis.call('UNLINK', KEYS[1])
return bytes

-- Extends the lease of an instance, if the instance still holds it.
--
-- KEYS    1  entry
--         2  lease
--         3  pass
--         4  followers
-- ARGV    1  instance
--         2  ms the lease lives from now on
-- Result  nil

local lease = redis.pcall('GET', KEYS[2])
if type(lease) == 'string' and string.match(lease, '^%x+') == ARGV[1] then
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
end
return false

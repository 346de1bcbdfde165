-- Claims the generation of an entry for one instance.
--
-- KEYS    1  entry
--         2  lease: instance, epoch and position at which its generation began
--         3  pass: exists while nobody need wait for anybody
-- ARGV    1  instance
--         2  epoch
--         3  position it knows
--         4  position before which a lease is of no use
--         5  ms the lease lives
--         6  '1' = only if there is no entry
-- Result  'taken', 'held' or 'present', or the ms that are left of a pass

local left = redis.call('PTTL', KEYS[3])
if left > 0 then
  return left
end
if ARGV[6] == '1' and redis.call('EXISTS', KEYS[1]) == 1 then
  return 'present'
end
-- What is no lease, of whatever type, is replaced by one.
local lease = redis.pcall('GET', KEYS[2])
if type(lease) == 'string' then
  local instance, epoch, position = string.match(lease, '^(%x+) (%d+) (%d+)$')
  local is_of_use = epoch == ARGV[2] and tonumber(position) >= tonumber(ARGV[4])
  if instance and instance ~= ARGV[1] and is_of_use then
    return 'held'
  end
end
redis.call('SET', KEYS[2], ARGV[1] .. ' ' .. ARGV[2] .. ' ' .. ARGV[3], 'PX', ARGV[5])
return 'taken'

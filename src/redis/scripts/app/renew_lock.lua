-- Keeps a lock for longer, if its owner still has it.
--
-- KEYS    1  lock
-- ARGV    1  owner
--         2  ms from now on
-- Result  1, or 0 if it has it no more

local owner = string.match(redis.call('GET', KEYS[1]) or '', '^(%x+) ')
if owner ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])

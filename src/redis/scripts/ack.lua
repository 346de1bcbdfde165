-- Notes that an instance has applied a position. Positions of another history say nothing.
--
-- ARGV    1  instance
--         2  position
-- Result  nil

prolong()
if is_listed(tonumber(ARGV[2])) then
  redis.call('ZADD', INSTANCES, 'XX', 'GT', ARGV[2], ARGV[1])
end
return false

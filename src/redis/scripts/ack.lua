-- Records that an instance has applied a position. Positions of another history are ignored.
--
-- ARGV    1  instance
--         2  position
-- Result  nil

prolong()
if is_listed(tonumber(ARGV[2])) then
  -- ZADD has no GT on the oldest server.
  local before = score(INSTANCES, ARGV[1])
  if before and before < tonumber(ARGV[2]) then
    redis.call('ZADD', INSTANCES, ARGV[2], ARGV[1])
  end
end
return false

-- Records that an instance has applied a position. Positions of another history are ignored. It runs
-- once per instance and invalidation, so it does without what the others share (table.lua), where KEYS
-- are explained.
--
-- ARGV    1  instance
--         2  position
-- Result  nil

local HISTORY, INSTANCES = KEYS[2], KEYS[3]
local INSTANCES_MS = 60000

-- The first write needs no memory, as in the others.
redis.call('PEXPIRE', INSTANCES, INSTANCES_MS)
if not redis.call('ZSCORE', HISTORY, ARGV[2]) then
  return false
end
local raised = redis.pcall('ZADD', INSTANCES, 'XX', 'GT', ARGV[2], ARGV[1])
if type(raised) == 'table' and raised.err then
  -- Servers before 6.2 lack GT.
  local before = redis.call('ZSCORE', INSTANCES, ARGV[1])
  if before and tonumber(before) < tonumber(ARGV[2]) then
    redis.call('ZADD', INSTANCES, ARGV[2], ARGV[1])
  end
end
return false

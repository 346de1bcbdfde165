-- Tells instances of a cluster that a generation has ended.
--
-- KEYS    1  the table of invalidations: their channels are in its slot
-- ARGV    1  what the channel of each begins with
--         2  what they are told
--         3.. the instances
-- Result  nil

for i = 3, #ARGV do
  local channel = ARGV[1] .. ARGV[i]
  -- Servers before version 7 lack it. Who is not told asks, half a second later at most.
  local told = redis.pcall('SPUBLISH', channel, ARGV[2])
  if type(told) == 'table' and told.err then
    redis.pcall('PUBLISH', channel, ARGV[2])
  end
end
return false

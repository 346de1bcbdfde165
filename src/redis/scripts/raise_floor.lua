-- Invalidates everything: raises the floor to a new position. It is not published: an instance that
-- misses that position polls.
--
-- ARGV    1   epoch the caller follows; 0 = its history is not checked
--         2   position it has applied
--         3   step to the new position
--         4.. its own positions that it has not seen listed yet
-- Result  as that of an invalidation, without rows

prolong()
local now = now_us()
local epoch, last = life()
if not epoch then
  return false
end
if ARGV[1] ~= '0' and not (ARGV[1] == epoch and knows(tonumber(ARGV[2]), 4, #ARGV - 3)) then
  return false
end
local position = advance(now, last, tonumber(ARGV[3]))
redis.call('ZADD', TABLE, text(position), 'f')
return { epoch, text(position), text(last), text(now), born(), '' }

-- Gives a lock back, if its owner still has it, or its place in the queue.
--
-- KEYS    1  lock
--         2  queue
-- ARGV    1  owner
-- Result  1, or 0 if it had the lock no more

local queue = redis.call('GET', KEYS[2])
if queue and string.find(queue, ARGV[1], 1, true) then
  local left = {}
  for owner, seen in string.gmatch(queue, '(%x+):(%d+)') do
    if owner ~= ARGV[1] then
      table.insert(left, owner .. ':' .. seen)
    end
  end
  local life = redis.call('PTTL', KEYS[2])
  if #left > 0 and life > 0 then
    redis.call('SET', KEYS[2], table.concat(left, ' '), 'PX', life)
  else
    redis.call('DEL', KEYS[2])
  end
end
local owner = string.match(redis.call('GET', KEYS[1]) or '', '^(%x+) ')
if owner ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])

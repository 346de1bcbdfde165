-- Removes the instances that have not polled since a position: they are gone, or will register
-- again.
-- An instance without a known poll gets another chance.
--
-- ARGV    1  position
-- Result  nil

prolong()
local position, last = tonumber(ARGV[1]), score(TABLE, 'c')
if not last or not is_listed(position) then
  return false
end
for _, instance in ipairs(redis.call('ZRANGE', INSTANCES, 0, -1)) do
  if string.sub(instance, 1, 5) ~= 'born:' then
    local polled = redis.call('HGET', POLLS, instance)
    if not polled then
      redis.call('HSET', POLLS, instance, text(last))
    elseif tonumber(polled) < position then
      redis.call('ZREM', INSTANCES, instance)
      redis.call('HDEL', POLLS, instance)
    end
  end
end
prolong()
return false

-- Registers an instance and tells it what is new, in one step. Creates what is missing. Without an
-- instance it only tells.
--
-- ARGV    1   instance; empty = nobody
--         2   epoch it follows; 0 = none
--         3   position it has applied; 0 = nothing
--         4   epoch of the table, should it have to be created
--         5   most rows to be told
--         6.. its own positions that it has not seen listed yet
-- Result  epoch, last position, 1 if the history is the one it knows, now in us, floor, and the rows
--         above its position, nil if the whole table has to be loaded

local instance, follows, applied = ARGV[1], ARGV[2], tonumber(ARGV[3])
local most = tonumber(ARGV[5])

prolong()
local now = now_us()
local epoch, last = life()
if not epoch then
  epoch, last = ARGV[4], now
  redis.call('UNLINK', TABLE, HISTORY)
  redis.call('ZADD', TABLE, 0, 'e' .. epoch, text(last), 'c')
end
if redis.call('EXISTS', HISTORY) == 0 then
  list(last)
end
if redis.call('EXISTS', INSTANCES) == 0 then
  redis.call('ZADD', INSTANCES, '+inf', 'born:' .. text(now))
end

local is_follower = follows == epoch and applied > 0
local is_known = not is_follower or knows(applied, 6, #ARGV - 5)
local has_applied = is_follower and is_known and applied or 0
if instance ~= '' then
  redis.call('ZADD', INSTANCES, text(has_applied), instance)
  redis.call('HSET', POLLS, instance, text(last))
end
prolong()

-- Every hard row has its tag's soft row behind it, if there is one: that is later.
local function changes()
  local found = redis.call('ZRANGEBYSCORE', TABLE, '(' .. text(applied), '+inf', 'WITHSCORES',
    'LIMIT', 0, most + 3)
  local rows = {}
  for i = 1, #found, 2 do
    local kind, tag = string.sub(found[i], 1, 1), string.sub(found[i], 2)
    if kind == 'x' then
      rows[#rows + 1] = row(tag, tonumber(found[i + 1]), 0, 0)
    elseif kind == 's' then
      rows[#rows + 1] = soft_row(tag, tonumber(found[i + 1]))
    end
  end
  return #rows <= most and table.concat(rows)
end

local floor = score(TABLE, 'f') or 0
local rows = is_follower and is_known and changes()
return { epoch, text(last), is_known and 1 or 0, text(now), text(floor), rows }

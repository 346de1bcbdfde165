-- Invalidates tags at a new position, and publishes that.
--
-- ARGV    1   epoch the caller follows; 0 = its history is not checked
--         2   position it has applied
--         3   step to the new position
--         4   most rows the table may have
--         5   channel
--         6   how to publish: SPUBLISH, where the server has it, or PUBLISH
--         7   the process that invalidates, as it calls itself
--         8   how many open positions follow
--         9.. its own positions that it has not seen listed yet; then of each tag the tag, and how:
--             hard, soft, or soft and for how many ms from now until it is hard
-- Result  epoch, position, the last one before it, now in us, since when the list of instances
--         exists in us, 0 = it does not, and the rows; nil if nothing was written, because the
--         history is not the one the caller knows, or there is no table

local DAY_US = 86400000000

prolong()
local now = now_us()
local epoch, last = life()
local open = tonumber(ARGV[8])
if not epoch then
  return false
end
if ARGV[1] ~= '0' and not (ARGV[1] == epoch and knows(tonumber(ARGV[2]), 9, open)) then
  return false
end
local position = advance(now, last, tonumber(ARGV[3]))
local now_ms = math.floor(now / 1000)

local function invalidate(tag, how)
  local x, s, d = 'x' .. tag, 's' .. tag, 'd' .. tag
  if how == 'hard' then
    redis.call('ZADD', TABLE, text(position), x)
    redis.call('ZREM', TABLE, s, d)
    return row(tag, position, 0, 0)
  end
  local soft, due = score(TABLE, s), score(TABLE, d)
  local deadline = due and -due
  if soft and deadline and deadline <= now_ms then
    redis.call('ZADD', TABLE, text(soft), x)
    deadline = nil
  end
  redis.call('ZADD', TABLE, text(position), s)
  if how ~= 'soft' then
    local wanted = now_ms + tonumber(how)
    deadline = math.min(deadline or wanted, wanted)
  end
  if deadline then
    redis.call('ZADD', TABLE, text(-deadline), d)
  else
    redis.call('ZREM', TABLE, d)
  end
  return row(tag, score(TABLE, x) or 0, position, deadline or 0)
end

local function drop(member)
  local kind = string.sub(member, 1, 1)
  if kind == 'x' then
    redis.call('ZREM', TABLE, member)
  elseif kind == 's' then
    redis.call('ZREM', TABLE, member, 'd' .. string.sub(member, 2))
  end
end

-- Drops rows older than any entry. Beyond the bound it drops the lowest rows, a tenth more than
-- necessary so that this is rare, but few enough not to hold up other clients. The floor rises to
-- the highest of them, and invalidates all entries older than that.
local function shrink(most)
  local before = '(' .. text(now - 31 * DAY_US)
  -- More than one command adds, of which a tag has two.
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', TABLE, '(0', before, 'LIMIT', 0, 500)) do
    drop(member)
  end
  local floor = score(TABLE, 'f')
  local rows = redis.call('ZCOUNT', TABLE, '(0', '+inf') - (floor and 2 or 1)
  if rows <= most then
    return
  end
  local count = math.min(rows - most + math.floor(most / 10), 1000)
  local lowest = redis.call('ZRANGEBYSCORE', TABLE, '(0', '+inf', 'WITHSCORES', 'LIMIT', 0, count)
  for i = 1, #lowest, 2 do
    drop(lowest[i])
  end
  floor = math.max(floor or 0, tonumber(lowest[#lowest]))
  redis.call('ZADD', TABLE, text(floor), 'f')
end

local rows = {}
for i = 9 + open, #ARGV, 2 do
  rows[#rows + 1] = invalidate(ARGV[i], ARGV[i + 1])
end
rows = table.concat(rows)
shrink(tonumber(ARGV[4]))

-- A user who may not publish is not heard; other instances find out with their next poll.
local head = '2 ' .. epoch .. ' ' .. text(last) .. ' ' .. text(position)
local message = head .. ' ' .. ARGV[7] .. ' ' .. rows
local told = redis.pcall(ARGV[6], ARGV[5], message)
if type(told) == 'table' and told.err then
  redis.pcall('PUBLISH', ARGV[5], message)
end
return { epoch, text(position), text(last), text(now), born(), rows }

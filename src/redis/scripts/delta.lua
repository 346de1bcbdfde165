-- Registers an instance and returns what is new, in one step. Creates what is missing. Without an
-- instance it registers none.
--
-- ARGV    1   instance; empty = none
--         2   epoch it follows; 0 = none
--         3   position it has applied; 0 = nothing
--         4   epoch of the table, should it have to be created
--         5   most rows to return
--         6.. its own positions that it has not seen listed yet
-- Result  epoch, last position, 1 if the history is the one it knows, now in us, floor, and the
--         rows above its position, nil if the whole table has to be loaded

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

-- Scores of members, one by one where the server lacks the command for many.
local function scores_of(members)
  local scores = redis.pcall('ZMSCORE', TABLE, unpack(members))
  if scores.err then
    scores = {}
    for i, member in ipairs(members) do
      scores[i] = score(TABLE, member) or false
    end
  end
  return scores
end

-- The rows of soft tags, a few hundred in one call: a call for each would take ten times as long.
local function soft_rows(rows, tags, positions)
  for first = 1, #tags, 500 do
    local last = math.min(first + 499, #tags)
    local members = {}
    for i = first, last do
      members[#members + 1] = 'x' .. tags[i]
      members[#members + 1] = 'd' .. tags[i]
    end
    local scores = scores_of(members)
    for i = first, last do
      local hard, due = scores[2 * (i - first) + 1], scores[2 * (i - first) + 2]
      rows[#rows + 1] = row(tags[i], hard or 0, positions[i], due and -due or 0)
    end
  end
end

-- A soft row comes after the hard row of its tag: its position is later.
local function changes()
  local found = redis.call('ZRANGEBYSCORE', TABLE, '(' .. text(applied), '+inf', 'WITHSCORES',
    'LIMIT', 0, most + 3)
  local rows, tags, positions = {}, {}, {}
  for i = 1, #found, 2 do
    local kind, tag = string.sub(found[i], 1, 1), string.sub(found[i], 2)
    if kind == 'x' then
      rows[#rows + 1] = row(tag, found[i + 1], 0, 0)
    elseif kind == 's' then
      tags[#tags + 1] = tag
      positions[#positions + 1] = found[i + 1]
    end
  end
  if #rows + #tags > most then
    return false
  end
  soft_rows(rows, tags, positions)
  return table.concat(rows)
end

local floor = score(TABLE, 'f') or 0
local rows = is_follower and is_known and changes()
return { epoch, text(last), is_known and 1 or 0, text(now), text(floor), rows }

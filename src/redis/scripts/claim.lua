-- Claims the generation of an entry for one instance.
--
-- KEYS    1  entry
--         2  lease: instance; epoch and position at which its generation began; when that was, in
--            ms; number of leaders before it that timed out
--         3  pass: until when no get waits, in ms; how often in a row nothing was stored. It is
--            kept for as long again, so that the next pass is longer
--         4  followers of the lease: the instances to tell of its end
-- ARGV    1  instance
--         2  epoch
--         3  position that the instance knows
--         4  position before which a lease is useless
--         5  ms the lease lives
--         6  '1' = only if there is no entry
--         7  ms after which a leader has timed out
--         8  ms of the first pass; each one after it is twice as long
--         9  ms of the longest pass
--        10  leaders in a row that may time out; 1 if nothing was stored before
--        11  ms to remember the instance as a follower, if another one leads; 0 = it does not follow
-- Result  'taken' or 'present' and 0; 'held', or 'followed' if the instance is told of the end, and
--         the ms after which the leader has timed out or its lease is over; 'passed' and the ms
--         that are left of it

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function words(key, pattern)
  -- A value of another type counts as none, and is replaced.
  local value = redis.pcall('GET', key)
  if type(value) == 'string' then
    return string.match(value, pattern)
  end
end

-- A server without memory for it, or that forbids it, tells nobody.
local function follow()
  if ARGV[11] == '0' then
    return 'held'
  end
  local added = redis.pcall('ZADD', KEYS[4], 0, ARGV[1])
  if type(added) == 'table' then
    -- A value of another type is no list of followers.
    redis.pcall('DEL', KEYS[4])
    return 'held'
  end
  redis.call('PEXPIRE', KEYS[4], ARGV[11])
  return 'followed'
end

local failures = 0
-- A pass that never expires counts as none.
if redis.call('PTTL', KEYS[3]) > 0 then
  local until_ms, times = words(KEYS[3], '^(%d+) (%d+)$')
  failures = tonumber(times or '0')
  if until_ms and tonumber(until_ms) > now then
    return {'passed', tonumber(until_ms) - now}
  end
end
if ARGV[6] == '1' and redis.call('EXISTS', KEYS[1]) == 1 then
  return {'present', 0}
end

local instance, epoch, position, began, vain =
  words(KEYS[2], '^(%x+) (%d+) (%d+) (%d+) (%d+)$')
local is_of_use = instance and epoch == ARGV[2] and tonumber(position) >= tonumber(ARGV[4])
vain = is_of_use and tonumber(vain) or 0
if is_of_use and instance ~= ARGV[1] then
  -- On a new primary with another clock the lease may begin in the future.
  local age = math.max(0, now - tonumber(began))
  if age < tonumber(ARGV[7]) then
    local left = tonumber(ARGV[7]) - age
    local life = redis.call('PTTL', KEYS[2])
    return {follow(), life > 0 and math.min(left, life) or left}
  end
  vain = vain + 1
  local most = failures == 0 and tonumber(ARGV[10]) or 1
  if vain >= most then
    local pass = math.min(tonumber(ARGV[8]) * 2 ^ failures, tonumber(ARGV[9]))
    local value = string.format('%.0f %d', now + pass, failures + 1)
    redis.call('SET', KEYS[3], value, 'PX', string.format('%.0f', 2 * pass))
    return {'passed', pass}
  end
end
local lease = string.format('%s %s %s %.0f %d', ARGV[1], ARGV[2], ARGV[3], now, vain)
redis.call('SET', KEYS[2], lease, 'PX', ARGV[5])
return {'taken', 0}

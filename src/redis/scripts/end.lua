-- Ends the lease of an instance, if the instance still holds it, and tells its followers.
--
-- KEYS    1  entry
--         2  lease
--         3  pass: as in `claim.lua`
--         4  followers
-- ARGV    1  instance
--         2  'released' = others may generate; 'stored' = waiting for each other pays again;
--            'unset' = nothing was stored, and no get waits for a while
--         3  ms of the first pass; each one after it is twice as long
--         4  ms of the longest pass
--         5  what the channel of each instance begins with; '' = the caller tells them, because in a
--            cluster these channels are elsewhere
--         6  what they are told
-- Result  the followers that the caller has to tell

-- A value that is no lease belongs to no instance.
local lease = redis.pcall('GET', KEYS[2])
local is_led = type(lease) == 'string'
if is_led and string.match(lease, '^%x+') == ARGV[1] then
  redis.call('DEL', KEYS[2])
  is_led = false
end
if ARGV[2] == 'stored' then
  redis.call('DEL', KEYS[3])
elseif ARGV[2] == 'unset' and not is_led then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local pass = redis.pcall('GET', KEYS[3])
  local until_ms, failures
  if type(pass) == 'string' then
    until_ms, failures = string.match(pass, '^(%d+) (%d+)$')
  end
  failures = tonumber(failures or '0')
  -- Failures during one pass count as one.
  if not until_ms or tonumber(until_ms) <= now then
    local life = math.min(tonumber(ARGV[3]) * 2 ^ failures, tonumber(ARGV[4]))
    local value = string.format('%.0f %d', now + life, failures + 1)
    redis.call('SET', KEYS[3], value, 'PX', string.format('%.0f', 2 * life))
  end
end

-- As long as somebody leads and nothing is stored there is nothing to tell.
if is_led and ARGV[2] ~= 'stored' then
  return {}
end
local followers = redis.pcall('ZRANGE', KEYS[4], 0, -1)
if followers.err or #followers == 0 then
  return {}
end
redis.call('DEL', KEYS[4])
if ARGV[5] == '' then
  return followers
end
for _, instance in ipairs(followers) do
  -- Who is not told asks, half a second later at most.
  redis.pcall('PUBLISH', ARGV[5] .. instance, ARGV[6])
end
return {}

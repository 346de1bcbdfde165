-- What the scripts of sessions share; it stands in front of each of them.
--
-- KEYS  1  sessions of a user, HASH: hash of the id = created, seen, until, ends, all in ms, the hash
--          of the id it was given later or '-', and after one more space what it holds

local time = redis.call('TIME')
local NOW = time[1] * 1000 + math.floor(time[2] / 1000)
local ALL = KEYS[1]

local function parse(value)
  local created, seen, over, ends, heir, held =
    string.match(value or '', '^(%d+) (%d+) (%d+) (%d+) (%S+) (.*)$')
  if created and tonumber(over) > NOW then
    return {
      created = tonumber(created), seen = tonumber(seen), over = tonumber(over),
      ends = tonumber(ends), heir = heir, held = held,
    }
  end
end

local function read(id)
  return parse(redis.call('HGET', ALL, id))
end

-- Also keeps all of them for as long as this one lives.
local function write(id, one)
  local head = string.format('%.0f %.0f %.0f %.0f %s ', one.created, one.seen, one.over, one.ends, one.heir)
  redis.call('HSET', ALL, id, head .. one.held)
  local left = one.over - NOW
  if redis.call('PTTL', ALL) < left then
    redis.call('PEXPIRE', ALL, string.format('%.0f', left))
  end
end

-- All that have not ended; the others are removed.
local function every()
  local found, flat = {}, redis.call('HGETALL', ALL)
  for at = 1, #flat, 2 do
    local one = parse(flat[at + 1])
    if one then
      one.id = flat[at]
      table.insert(found, one)
    else
      redis.call('HDEL', ALL, flat[at])
    end
  end
  return found
end


-- Takes a lock if it is free and nobody has waited for longer.
--
-- KEYS    1  lock: owner and number
--         2  queue: owners in the order of their coming, each with when it was seen last, in ms
--         3  the number given last
-- ARGV    1  owner
--         2  ms it is held
--         3  '1' = takes its place in the queue
--         4  ms after which who was not seen is gone
--         5  owners in the queue
--         6  ms that the last number is remembered
-- Result  'taken' and the number; or 'held', the place in the queue, and the ms that the holder has
--         it at most, 0 if there is none

local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local now = math.floor(now_us / 1000)

local function text(number)
  return string.format('%.0f', number)
end

local own, life = ARGV[1], ARGV[2]
local holder, number = string.match(redis.call('GET', KEYS[1]) or '', '^(%x+) (%d+)$')
local queue, place = {}, nil
for owner, seen in string.gmatch(redis.call('GET', KEYS[2]) or '', '(%x+):(%d+)') do
  if owner == own then
    place = #queue
    table.insert(queue, owner .. ':' .. text(now))
  elseif now < seen + ARGV[4] then
    table.insert(queue, owner .. ':' .. seen)
  end
end

local function keep_queue()
  if #queue > 0 then
    redis.call('SET', KEYS[2], table.concat(queue, ' '), 'PX', ARGV[4])
  elseif place then
    redis.call('DEL', KEYS[2])
  end
end

-- Who asks twice did not hear the first answer.
if holder == own or not holder and (place or #queue) == 0 then
  if not holder then
    number = text(math.max(now_us, tonumber(redis.call('GET', KEYS[3]) or 0) + 1))
    redis.call('SET', KEYS[3], number, 'PX', ARGV[6])
  end
  if place then
    table.remove(queue, place + 1)
  end
  keep_queue()
  redis.call('SET', KEYS[1], own .. ' ' .. number, 'PX', life)
  return {'taken', number}
end
if ARGV[3] == '1' then
  if not place and #queue < tonumber(ARGV[5]) then
    place = #queue
    table.insert(queue, own .. ':' .. text(now))
  end
  keep_queue()
end
return {'held', place or #queue, math.max(0, redis.call('PTTL', KEYS[1]))}

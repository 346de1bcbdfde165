-- Takes in a new code for a subject, unless too many were sent. The one before is of no use then.
--
-- KEYS    1  subject: hash of the code or '-'; wrong answers left; until when it is of use; codes
--            sent; when the span in which they are counted ends; when the next one may be. Moments
--            are in ms
-- ARGV    1  hash of the code
--         2  ms it is of use
--         3  wrong answers until it is of no use
--         4  ms between two codes
--         5  codes within a span
--         6  ms of a span
-- Result  'issued' and 0, or 'soon' and the ms to wait

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local value = redis.call('GET', KEYS[1]) or ''
local _, _, _, sent, span, next_ms =
  string.match(value, '^(%S+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
sent, span, next_ms = tonumber(sent or 0), tonumber(span or 0), tonumber(next_ms or 0)
if span <= now then
  sent, span = 0, now + ARGV[6]
end
local wait = next_ms - now
if sent >= tonumber(ARGV[5]) then
  wait = math.max(wait, span - now)
end
if wait > 0 then
  return {'soon', wait}
end
local over, pause = now + ARGV[2], now + ARGV[4]
local state = string.format('%s %d %.0f %d %.0f %.0f', ARGV[1], ARGV[3], over, sent + 1, span, pause)
redis.call('SET', KEYS[1], state, 'PX', string.format('%.0f', math.max(over, span, pause) - now))
return {'issued', 0}

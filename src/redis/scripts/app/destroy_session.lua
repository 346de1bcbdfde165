-- Ends a session, under all its ids.
--
-- KEYS    see session.lua
-- ARGV    1  hash of its id
-- Result  1, or 0 if there is none

local one = read(ARGV[1])
if not one then
  return 0
end
-- The id that stays when all others of this session are gone.
local last = one.heir ~= '-' and one.heir or ARGV[1]
for _, other in ipairs(every()) do
  if other.id == last or other.heir == last then
    redis.call('HDEL', ALL, other.id)
  end
end
return 1

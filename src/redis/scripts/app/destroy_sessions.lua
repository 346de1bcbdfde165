-- Ends all sessions of a user.
--
-- KEYS    see session.lua
-- ARGV    1  hash of the id of the one that stays; '' = none
-- Result  how many ended

local kept
local one = ARGV[1] ~= '' and read(ARGV[1])
if one then
  kept = one.heir ~= '-' and one.heir or ARGV[1]
end
local ended = 0
for _, other in ipairs(every()) do
  if not kept or other.id ~= kept and other.heir ~= kept then
    redis.call('HDEL', ALL, other.id)
    if other.heir == '-' then
      ended = ended + 1
    end
  end
end
return ended

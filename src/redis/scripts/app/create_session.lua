-- Begins a session.
--
-- KEYS    see session.lua
-- ARGV    1  hash of its id
--         2  what it holds
--         3  ms it lives without being seen
--         4  ms it lives at most
--         5  how many a user has; beyond that the one not seen for longest ends
-- Result  1

local all = every()
table.sort(all, function(one, other) return one.seen < other.seen end)
for at = 1, #all - ARGV[5] + 1 do
  redis.call('HDEL', ALL, all[at].id)
end
local over = NOW + math.min(ARGV[3], ARGV[4])
local one = {created = NOW, seen = NOW, over = over, ends = NOW + ARGV[4], heir = '-', held = ARGV[2]}
write(ARGV[1], one)
return 1

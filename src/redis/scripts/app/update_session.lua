-- Replaces what a session holds.
--
-- KEYS    see session.lua
-- ARGV    1  hash of its id
--         2  what it is to hold
-- Result  1, or 0 if there is none

local one = read(ARGV[1])
if not one then
  return 0
end
one.held = ARGV[2]
write(ARGV[1], one)
return 1

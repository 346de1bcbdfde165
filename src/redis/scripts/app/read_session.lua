-- Reads a session, and notes that it was seen if that is news enough.
--
-- KEYS    see session.lua
-- ARGV    1  hash of its id
--         2  ms it lives from now on; '0' = as long as before
--         3  ms that have to have passed
-- Result  created, seen, until, ends, the id it was given later, and what it holds; nil if there is
--         none

local one = read(ARGV[1])
if not one then
  return false
end
if ARGV[2] ~= '0' and one.heir == '-' and NOW - one.seen >= tonumber(ARGV[3]) then
  one.seen, one.over = NOW, math.min(one.ends, NOW + ARGV[2])
  write(ARGV[1], one)
end
return {one.created, one.seen, one.over, one.ends, one.heir, one.held}

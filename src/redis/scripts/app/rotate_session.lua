-- Gives a session another id; the old one is of use for a while.
--
-- KEYS    see session.lua
-- ARGV    1  hash of its id
--         2  hash of the new one
--         3  ms that the old one is of use
-- Result  'done'; 'rotated' if it was given another one before; 'none'

local one = read(ARGV[1])
if not one then
  return 'none'
end
if one.heir ~= '-' then
  return 'rotated'
end
write(ARGV[2], one)
one.heir, one.over = ARGV[2], math.min(one.over, NOW + ARGV[3])
write(ARGV[1], one)
return 'done'

-- Reads all sessions of a user.
--
-- KEYS    see session.lua
-- ARGV    none
-- Result  of each the hash of its id, created, seen, until, ends, and what it holds

local all = {}
for _, one in ipairs(every()) do
  if one.heir == '-' then
    table.insert(all, {one.id, one.created, one.seen, one.over, one.ends, one.held})
  end
end
return all

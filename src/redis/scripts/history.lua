-- Adds what an instance counted in a minute to what all of them did.
--
-- KEYS    1  the minute
-- ARGV    1  numbers by name, as JSON
--         2  how long the minute is kept, in ms
-- Result  nil

-- Something else may lie there: then it is replaced.
local stored = redis.pcall('GET', KEYS[1])
local is_read, sums = pcall(cjson.decode, type(stored) == 'string' and stored or '{}')
if not is_read or type(sums) ~= 'table' then
  sums = {}
end
local parts = {}
for name, added in pairs(cjson.decode(ARGV[1])) do
  local sum = sums[name]
  sums[name] = (type(sum) == 'number' and sum or 0) + added
end
for name, sum in pairs(sums) do
  -- cjson rounds to 14 digits.
  if type(name) == 'string' and type(sum) == 'number' then
    parts[#parts + 1] = cjson.encode(name) .. ':' .. string.format('%.0f', sum)
  end
end
redis.call('SET', KEYS[1], '{' .. table.concat(parts, ',') .. '}', 'PX', ARGV[2])
return false

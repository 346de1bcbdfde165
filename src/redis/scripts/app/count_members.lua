-- Estimates how many different members an id had.
--
-- KEYS    see add_counts.lua
-- ARGV    1  id
-- Result  how many

return redis.call('PFCOUNT', KEYS[5] .. ARGV[1])

-- Says what a server lacks of what the scripts of the protocol call.
--
-- Result  the names of those commands

local NEEDED = { 'TIME', 'EXISTS', 'PEXPIRE', 'UNLINK', 'ZADD', 'ZSCORE', 'ZREM', 'ZCOUNT', 'ZRANGE',
  'ZREVRANGE', 'ZRANGEBYSCORE', 'ZREMRANGEBYRANK', 'HSET', 'HGET', 'HDEL' }

-- Without arguments they do nothing, and what is not there is told from what is called wrongly.
local lacking = {}
for _, name in ipairs(NEEDED) do
  local answer = redis.pcall(name)
  if type(answer) == 'table' and answer.err and string.find(answer.err, 'Unknown', 1, true) then
    lacking[#lacking + 1] = name
  end
end
return lacking

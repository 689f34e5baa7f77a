-- wrk's script for bench/serve: what to accept, then the body, which is sent to /subnets by POST.  A body with %d in it
-- gets another number in every request, so that each is a question never asked before.  No body: GET of the URL.
local body, number = nil, os.time() % 100000 * 1000000

function init(args)
	body = args[2]
	wrk.headers["Accept"] = args[1]
	if body then
		wrk.method = "POST"
		wrk.headers["Content-Type"] = "application/json"
		wrk.body = body
	end
	if body and body:find("%%d") then
		request = function()
			number = number + 1
			return wrk.format(nil, nil, nil, body:format(number))
		end
	end
end

function done(summary, latency)
	local e = summary.errors
	io.write(string.format("RESULT %.1f %.1f %.3f %d\n", summary.requests / summary.duration * 1e6,
		summary.bytes / summary.duration, latency:percentile(99) / 1e3,
		e.connect + e.read + e.write + e.status + e.timeout))
end

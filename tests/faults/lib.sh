# shellcheck shell=bash disable=SC2034,SC2154 # sourced
# Sourced after tests/cli/lib.sh by the tests of faults: a small network in $network, one ofad at a time.
network=$work/tiny.safetensors
"$build/tests/server/make_network" tiny "$srcdir/models/fashion/recipe.json" "$network" "$work/profile.json" ||
	skip_all "tests/server/make_network was not built"
server=
trap 'stop_server KILL; rm -rf "$work"' EXIT

# Starts ofad on data directory $1; then a command to run it by, if any, and after -- options of its own.
start_server() {
	local data=$1 by=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		by+=("$1")
		shift
	done
	[ $# -eq 0 ] || shift
	rm -f "$work/port"
	"${by[@]}" "$ofad" --network "$network" --listen 127.0.0.1:0 --data "$data" --port-file "$work/port" \
		--front-evaluations 0 "$@" 2>>"$work/ofad.log" &
	server=$!
	for _ in $(seq 600); do
		[ ! -s "$work/port" ] || break
		sleep 0.1
	done
	url=http://127.0.0.1:$(cat "$work/port")
	for _ in $(seq 600); do
		! curl -sf -o "$work/ready" "$url/readyz" || return 0
		sleep 0.1
	done
	return 1
}

# $1: the signal.
stop_server() {
	[ -n "$server" ] || return 0
	kill -"$1" "$server" 2>/dev/null
	wait "$server"
	server=
}

alive() { kill -0 "$server"; }

# The status of a request; arguments as curl's, the path first.  Headers and body in $work/headers and $work/body.
status_of() {
	local path=$1
	shift
	curl -sS --max-time 30 -D "$work/headers" -o "$work/body" -w '%{http_code}' "$url$path" "$@"
}

json=(-H 'Content-Type: application/json')
put_profile() { status_of "/profiles/$1" -X PUT "${json[@]}" -d "$2"; }
ask_subnet() { status_of /subnets "${json[@]}" -H 'Accept: application/json' -d "$1"; }
fetch_subnet() { status_of /subnets "${json[@]}" -d "$1"; }
is() { [ "$1" = "$2" ] || { echo "$1 instead of $2" && cat "$work/headers" "$work/body"; false; }; }

# The last answer was a 503 of the kind "overload" that says when to come back.
is_overload() {
	grep -qi '^retry-after: [0-9]' "$work/headers" && jq -e '.type == "/problems/overload" and .status == 503' "$work/body"
}

open_files() { find "/proc/$server/fd" -mindepth 1 | wc -l; }

# Does the command succeed within $1 seconds?
within() {
	local seconds=$1
	shift
	for _ in $(seq $((seconds * 10))); do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	"$@"
}

# shellcheck shell=bash disable=SC2034,SC2154 # sourced
# Helpers of the shell tests: sourced, they set $ofa, $ofad, $work, $srcdir and $shared and count results.
# A test calls `check NAME COMMAND..` for each thing it checks and `finish` at its end.
set -u
srcdir=$(cd "${OFA_SRCDIR:-$(dirname "$0")/../..}" && pwd)
build=${OFA_BUILDDIR:-$PWD}
ofa=$build/cli/ofa
# shellcheck disable=SC2034 # used by tests of the server
ofad=$build/server/ofad
shared=${OFA_SHARED:-$srcdir/../shared/ofa}
fashion=/usr/share/datasets/fashion-mnist
work=$(mktemp -d)
passed=0
failed=0
trap 'rm -rf "$work"' EXIT

# Runs the command silently; its output is shown when it fails.
check() {
	local name=$1
	shift
	if "$@" >"$work/check.out" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL: $name: $*"
		sed 's/^/    /' "$work/check.out" | head -20
	fi
}

# Is the jq expression $2 true of the one JSON value in file $1?
holds() { jq -es "length == 1 and (.[0] | $2)" "$1"; }

# Does the jq expression $3 say the same, and not null, of the JSON files $1 and $2?
agree() { jq -en "[inputs] | length == 2 and (map($3) | .[0] != null and .[0] == .[1])" "$1" "$2"; }

# Does the command exit with status $1 and say $2 (an extended regular expression) on stderr, in one line?
fails_with() {
	local status=$1 pattern=$2 got
	shift 2
	"$@" >"$work/out" 2>"$work/err"
	got=$?
	cat "$work/err"
	[ "$got" -eq "$status" ] && [ "$(wc -l <"$work/err")" -eq 1 ] && grep -qE -- "$pattern" "$work/err"
}

# Ends a test whose needs are not met, visibly.
skip_all() {
	echo "SKIP: $*"
	exit 77
}

finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
	exit
}

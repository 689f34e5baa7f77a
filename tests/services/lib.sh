# shellcheck shell=sh
# Sourced by the scripts beside this file.

skip() {
	echo "SKIP: $*" >&2
	exit 77
}

# A port that nobody listens on now: below those that the kernel gives to who asks for any, so that no daemon of a test
# that asks for any is in the way a moment later.
free_port() {
	while :; do
		port=$(shuf -n 1 -i 20000-31999)
		grep -qi ":$(printf %04x "$port") [0-9A-F:]* 0A" /proc/net/tcp /proc/net/tcp6 2>/dev/null || break
	done
	echo "$port"
}

# Does the command succeed within $1 seconds?
within() {
	tenths=$(($1 * 10))
	shift
	while ! "$@" >/dev/null 2>&1; do
		[ "$tenths" -gt 0 ] || return 1
		tenths=$((tenths - 1))
		sleep 0.1
	done
}

# By the state of the process, for one that was killed may stay a while as a zombie, which others take for alive.
alive() { grep -q '^State:[[:space:]]*[^Z[:space:]]' "/proc/$1/status" 2>/dev/null; }
gone() { ! alive "$1"; }

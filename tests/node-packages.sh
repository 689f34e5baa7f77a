# Sourced in the directory of a package.json: install_packages NAME
# Installs what package-lock.json names, once for each lock file, outside the tree (OFA_NODE_CACHE, default
# ~/.cache/NAME), and links it here as node_modules; nothing of a package runs while it is installed.
install_packages() {
	node --version >/dev/null 2>&1 || return 1
	cache=${OFA_NODE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/$1}/$(sha256sum package-lock.json | cut -c1-16)
	if [ ! -d "$cache/node_modules" ]; then
		mkdir -p "${cache%/*}"
		part=$(mktemp -d "$cache.XXXXXX")
		cp package.json package-lock.json "$part"
		if ! (cd "$part" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=1 \
			--fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 >&2); then
			rm -rf "$part"
			return 1
		fi
		mv -T "$part" "$cache" 2>/dev/null || rm -rf "$part"
	fi
	# another run may be using the link
	if [ "$(readlink node_modules)" != "$cache/node_modules" ]; then
		rm -rf node_modules
		ln -s "$cache/node_modules" node_modules
	fi
}

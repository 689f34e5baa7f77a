# How it is run: images, compose, Kubernetes, the proxy, alerts.  tests/docker holds it against what reads it.
EXTRA_DIST += docker/nginx/nginx.conf docker/nginx/render \
	tests/docker/lib.mjs tests/docker/proxy.mjs tests/docker/run

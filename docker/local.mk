# How it is run: images, compose, Kubernetes, the proxy.  tests/docker holds it against what reads it.
EXTRA_DIST += .dockerignore docker/Dockerfile docker/build-locally docker/packages-run.txt \
	docker/compose/.env docker/compose/compose.yaml docker/compose/make-secrets \
	docker/compose/proxy/changes.conf docker/compose/proxy/listen.conf docker/compose/proxy/replicas.conf \
	docker/kubernetes/autoscaling.yaml docker/kubernetes/deployment.yaml docker/kubernetes/disruption.yaml \
	docker/kubernetes/ingress.yaml docker/kubernetes/kustomization.yaml docker/kubernetes/namespace.yaml \
	docker/kubernetes/network-policy.yaml docker/kubernetes/prometheus-adapter.yaml docker/kubernetes/secrets.yaml \
	docker/kubernetes/serviceaccount.yaml docker/kubernetes/services.yaml \
	docker/kubernetes-proxy/kustomization.yaml docker/kubernetes-proxy/listen.conf \
	docker/kubernetes-proxy/changes.conf docker/kubernetes-proxy/proxy.yaml docker/kubernetes-proxy/replicas.conf \
	docker/nginx/kustomization.yaml docker/nginx/nginx.conf docker/nginx/render \
	docker/monitoring/grafana-ofad.json docker/monitoring/prometheus-compose.yml \
	docker/monitoring/prometheus-kubernetes.yml \
	tests/docker/backup.mjs tests/docker/lib.mjs tests/docker/manifests.mjs tests/docker/monitoring.mjs \
	tests/docker/image tests/docker/ofad-alerts.test.yml tests/docker/package.json tests/docker/package-lock.json \
	tests/docker/proxy.mjs tests/docker/run tests/docker/topology.mjs

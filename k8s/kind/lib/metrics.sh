# shellcheck shell=bash
# metrics-server, by which steps of foreign images are measured (`make cluster METRICS=1`).

readonly METRICS_IMAGE=registry.k8s.io/metrics-server/metrics-server:$METRICS_SERVER_VERSION

metrics_run() {
	kubectl_here --namespace kube-system get deployment metrics-server -o name >/dev/null 2>&1
}

# What the module brings, with our image, and without the kubelets' certificates: kind's are signed
# by nobody.
metrics_manifests() {
	cat >"$1/kustomization.yaml" <<-END
		apiVersion: kustomize.config.k8s.io/v1beta1
		kind: Kustomization
		resources: [base]
		images: [{name: gcr.io/k8s-staging-metrics-server/metrics-server,
		  newName: ${METRICS_IMAGE%:*}, newTag: $METRICS_SERVER_VERSION}]
		patches:
		  - target: {kind: Deployment, name: metrics-server}
		    patch: |
		      - {op: add, path: /spec/template/spec/containers/0/args/-, value: --kubelet-insecure-tls}
	END
	kubectl_here kustomize "$1" 2>>"$LOGS/metrics.log"
}

start_metrics() {
	local folder=$WORK/metrics
	ensure_built metrics-server
	if [ "$WAY" = built ]; then
		has_image "$METRICS_IMAGE" ||
			one_program metrics-server metrics-server "$METRICS_IMAGE" /metrics-server >/dev/null
		kind_here load docker-image --name "$CLUSTER" "$METRICS_IMAGE" >>"$LOGS/metrics.log" 2>&1
	fi
	rm -rf "$folder"
	mkdir -p "$folder"
	cp -r "$(module_folder metrics-server)/files" "$folder/base"
	metrics_manifests "$folder" >"$folder/all.yaml"
	# The API is registered when the server answers, not before: kube-apiserver asks at once and
	# keeps its connection. Where kube-proxy had no rule for the service's address yet, that one went
	# out by the default route, to whoever answers there, and stayed.
	awk 'BEGIN {RS = "---\n"; ORS = RS} !/kind: APIService/' "$folder/all.yaml" |
		kubectl_here apply --server-side -f - >/dev/null
	kubectl_here --namespace kube-system rollout status deployment/metrics-server --timeout=180s \
		>/dev/null
	awk 'BEGIN {RS = "---\n"; ORS = RS} /kind: APIService/' "$folder/all.yaml" |
		kubectl_here apply --server-side -f - >/dev/null
	metrics_answer
}

metrics_answer() {
	local tries
	for tries in {1..60}; do
		if kubectl_here get --raw /apis/metrics.k8s.io/v1beta1/nodes >/dev/null 2>&1; then return; fi
		sleep 2
	done
	fail "metrics-server runs and its API does not answer: kubectl get --raw /apis/metrics.k8s.io/v1beta1/nodes"
}

metrics_status() {
	if metrics_run; then
		say "Metrics:  metrics-server $METRICS_SERVER_VERSION (kubectl top pods)"
	fi
}

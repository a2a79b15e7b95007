# shellcheck shell=bash
# The kind cluster itself: made, found, repaired, deleted.

readonly KIND_LABEL=io.x-k8s.kind.cluster=$CLUSTER

kubectl_here() { "$STATE/bin/kubectl" --kubeconfig "$KUBECONFIG_FILE" "$@"; }
kubectl_hint() { echo "$STATE/bin/kubectl --kubeconfig $KUBECONFIG_FILE"; }
kind_here() { KUBECONFIG=$KUBECONFIG_FILE "$STATE/bin/kind" "$@"; }

# Names of the cluster's nodes, the control plane first.
node_names() {
	docker ps -a --filter "label=$KIND_LABEL" --format '{{.Names}}' | LC_ALL=C sort
}

nodes_running() {
	docker ps --filter "label=$KIND_LABEL" --format '{{.Names}}' | grep -c . || true
}

# The image that the cluster's nodes were made of.
image_in_use() {
	docker inspect -f '{{.Config.Image}}' "$CLUSTER-control-plane" 2>/dev/null || true
}

api_answers() { kubectl_here get --raw /readyz --request-timeout=3s >/dev/null 2>&1; }

wait_for_api() {
	for _ in $(seq 300); do
		api_answers && return
		sleep 0.2
	done
	fail "expected the API server to answer within a minute; it did not." \
		"See: docker logs $CLUSTER-control-plane, or start afresh: make cluster-delete cluster"
}

# create_nodes IMAGE CONFIG
create_nodes() {
	local image=$1 config=$2 node
	kind_here create cluster --name "$CLUSTER" --image "$image" --config "$config" \
		--kubeconfig "$KUBECONFIG_FILE"
	# Nodes come back in the order of their addresses, by us: else each may get another's.
	for node in $(node_names); do
		docker update --restart=no "$node"
	done
}

# After a reboot: the nodes are there, but stopped.
start_nodes() {
	local node
	say "Starting the nodes again"
	STARTED_AT=$(date -u +%FT%TZ)
	for node in $(node_names); do
		echo "$(recorded_address "$node") $node"
	done | sort -V | cut -d' ' -f2 | xargs -n 1 docker start >/dev/null
	# The control plane's port on this machine may be another now.
	kind_here export kubeconfig --name "$CLUSTER" --kubeconfig "$KUBECONFIG_FILE" >/dev/null 2>&1
}

recorded_address() {
	docker cp "$1:/etc/stationmaster/address" - 2>/dev/null | tar -xO 2>/dev/null || echo 0
}

# What the API server remembers from before a restart does not count: each kubelet must have
# spoken since.
nodes_heard() {
	kubectl_here -n kube-node-lease get leases --no-headers \
		-o custom-columns=NAME:.metadata.name,TIME:.spec.renewTime 2>/dev/null |
		awk -v since="$STARTED_AT" -v cluster="$CLUSTER-" 'index($1, cluster) == 1 && $2 > since' |
		grep -c . || true
}

STARTED_AT=""

wait_until_ready() {
	local count=$1 ready
	for _ in $(seq 600); do
		ready=$(kubectl_here get nodes -l "$REAL_NODES" --no-headers 2>/dev/null |
			awk '$2 ~ /^Ready/' | grep -c . || true)
		if [ "$ready" -eq "$count" ] && [ "$(nodes_heard)" -eq "$count" ] && core_parts_ready; then
			return
		fi
		sleep 0.2
	done
	fail "expected $count nodes to be ready within two minutes; $ready are." \
		"Look at: $(kubectl_hint) get nodes,pods -A"
}

# Names and volumes work: before that a first pod would fail for a reason of ours.
core_parts_ready() {
	local part
	for part in kube-system/coredns local-path-storage/local-path-provisioner; do
		[ "$(kubectl_here -n "${part%/*}" get deployment "${part#*/}" \
			-o jsonpath='{.status.availableReplicas}' 2>/dev/null || true)" -ge 1 ] 2>/dev/null ||
			return 1
	done
}

delete_cluster() {
	if [ -n "$(node_names)" ]; then
		kind_here delete cluster --name "$CLUSTER"
	fi
	rm -f "$KUBECONFIG_FILE"
}

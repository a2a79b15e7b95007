# shellcheck shell=bash
# Simulated nodes: KWOK plays the kubelet of nodes that exist only in the API server, so that
# thousands of pods can be held at once on a small machine.

readonly SIMULATED=kwok.x-k8s.io/node=simulated

kwok_runs() { runs_beside kwok kwok; }

simulated_nodes() { kubectl_here get nodes -l "$SIMULATED" -o name; }

start_simulation() {
	local files
	ensure_built kwok
	shelve kwok
	files=$(module_folder kwok)/files
	kubectl_here apply --server-side -f "$files/kwok.x-k8s.io_stages.yaml" >/dev/null
	kubectl_here wait --for=condition=Established --timeout=30s crd/stages.kwok.x-k8s.io >/dev/null
	kubectl_here apply --server-side --force-conflicts -f "$KIND/kwok/step-done.yaml" \
		-f "$files/pod-ready.yaml" -f "$files/pod-delete.yaml" -f "$files/node-initialize.yaml" \
		-f "$files/node-heartbeat-with-lease.yaml" >/dev/null
	if ! kwok_runs; then
		setsid nohup "$(program kwok)" --kubeconfig "$KUBECONFIG_FILE" --manage-all-nodes=false \
			--manage-nodes-with-label-selector="kwok.x-k8s.io/node in (simulated,fake)" --enable-crds=Stage \
			--node-lease-duration-seconds=40 -v WARN \
			>>"$LOGS/kwok-run.log" 2>&1 </dev/null 9>&- &
		echo $! >"$STATE/kwok.pid"
		disown
	fi
}

stop_simulation() { stop_beside kwok kwok; }

# One node with room for 250 pods, which only pods that ask for it come to.
simulated_node() {
	cat <<-END
		---
		apiVersion: v1
		kind: Node
		metadata:
		  name: simulated-$1
		  labels: {kwok.x-k8s.io/node: simulated, type: kwok}
		spec:
		  taints: [{key: kwok.x-k8s.io/node, value: simulated, effect: NoSchedule}]
		status:
		  allocatable: {cpu: "64", memory: 512Gi, pods: "250"}
		  capacity: {cpu: "64", memory: 512Gi, pods: "250"}
	END
}

# simulate NODES: that many simulated nodes in all, no more and no fewer.
simulate() {
	local wished=$1 there name number
	[[ $wished =~ ^[0-9]+$ ]] && [ "$wished" -le 200 ] ||
		fail "expected 0 to 200 simulated nodes (250 pods each); got $wished."
	api_answers || fail "The API server does not answer: make cluster KWOK=1"
	start_simulation
	for number in $(seq 1 "$wished"); do
		simulated_node "$number"
	done | if [ "$wished" -gt 0 ]; then kubectl_here apply -f - >/dev/null; else cat; fi
	there=$(simulated_nodes)
	for name in $there; do
		number=${name##*-}
		[ "$number" -le "$wished" ] || kubectl_here delete "$name" --wait=false >/dev/null
	done
	if [ "$wished" -gt 0 ]; then
		kubectl_here wait --for=condition=Ready --timeout=60s nodes -l "$SIMULATED" >/dev/null
	fi
	simulation_status
}

simulation_status() {
	if kwok_runs; then
		say "KWOK:     $(simulated_nodes | grep -c . || true)" \
			"simulated nodes (more: k8s/kind/cluster simulate N)"
	fi
}

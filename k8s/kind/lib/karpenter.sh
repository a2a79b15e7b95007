# shellcheck shell=bash
# Karpenter beside the cluster, with its KWOK provider: it buys simulated nodes for the pods that
# no node has room for, by the NodePools of EKS, and removes them when they are empty.

readonly BOUGHT=karpenter.sh/nodepool
readonly PRICES=$ROOT/stationmaster/ledger/cost/data/ec2-on-demand.csv

karpenter_runs() { runs_beside karpenter karpenter-kwok; }

# KWOK's own stage would boot Karpenter's nodes in no time; node-boots.yaml does it as EC2 does.
leave_boots_to_us() {
	kubectl_here get stage node-initialize -o yaml | grep -q "$BOUGHT" ||
		kubectl_here patch stage node-initialize --type=json -p '[{"op": "add",
			"path": "/spec/selector/matchExpressions/-", "value":
			{"key": ".metadata.labels[\"'"$BOUGHT"'\"]", "operator": "DoesNotExist"}}]' >/dev/null
}

start_karpenter() {
	ensure_built karpenter
	shelve karpenter-kwok
	leave_boots_to_us
	kubectl_here apply --server-side -f "$(module_folder karpenter)/files" >/dev/null
	kubectl_here wait --for=condition=Established --timeout=60s crd/nodepools.karpenter.sh \
		crd/nodeclaims.karpenter.sh crd/kwoknodeclasses.karpenter.kwok.sh >/dev/null
	kubectl_here apply --server-side --force-conflicts -f "$KIND/karpenter" >/dev/null
	if ! karpenter_runs; then
		python3 "$KIND/karpenter/instance_types.py" "$PRICES" >"$STATE/instance-types.json"
		KUBECONFIG=$KUBECONFIG_FILE SYSTEM_NAMESPACE=kube-system DISABLE_LEADER_ELECTION=true \
			METRICS_PORT=0 HEALTH_PROBE_PORT=0 \
			INSTANCE_TYPES_FILE_PATH=$STATE/instance-types.json \
			setsid nohup "$(program karpenter-kwok)" >>"$LOGS/karpenter-run.log" 2>&1 </dev/null 9>&- &
		echo $! >"$STATE/karpenter.pid"
		disown
	fi
}

# Nodes that it has bought go with their NodeClaims, while somebody is there to take their
# finalizers off.
stop_karpenter() { stop_beside karpenter karpenter-kwok; }

karpenter_status() {
	if karpenter_runs; then
		say "Karpenter: $(kubectl_here get nodes -l "$BOUGHT" -o name | grep -c . || true)" \
			"simulated nodes bought (pods ask for them: docs/elastic.md)"
	fi
}

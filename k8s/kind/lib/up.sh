# shellcheck shell=bash
# What the commands do, from the parts of the other files.

readonly TOOLS=(kind kubectl helm)
readonly BUILD_PACKAGES=(mmdebstrap)

# Why the nodes are built or pulled; a cluster that stands keeps its way.
choose_way() {
	local image
	image=$(image_in_use)
	case ${NODES:-}:$image in
	pulled:* | built:*) WAY=$NODES WHY="NODES=$NODES says so" ;;
	:kindest/*) WAY=pulled WHY="the cluster was made so" ;;
	:stationmaster/*) WAY=built WHY="the cluster was made so" ;;
	:*)
		if registry_answers; then
			WAY=pulled WHY="an image registry answers"
		else
			WAY=built WHY="no image registry answers"
		fi
		;;
	*) fail "expected NODES=pulled, NODES=built or neither; got NODES=$NODES." ;;
	esac
	printf '%s\n' "$WAY: $WHY" >"$STATE/way"
}

# A tool of the right version that is installed saves a build where images are pulled.
installed_tool() {
	[ "$WAY" = pulled ] || return 1
	case $1 in
	kind) kind version 2>/dev/null | grep -q "kind $KIND_VERSION " ;;
	helm) helm version --short 2>/dev/null | grep -q '^v4\.' ;;
	kubectl) kubectl version --client 2>/dev/null | grep -q "${KUBERNETES_VERSION%.*}\." ;;
	esac
}

# Karpenter has nothing but simulated nodes to buy here.
wants_simulation() { [ "${KWOK:-}" = 1 ] || [ "${KARPENTER:-}" = 1 ]; }

# Prints the steps that are still to be done, in order.
missing_steps() {
	local tool module
	local -a modules=()
	for tool in "${TOOLS[@]}"; do
		installed_tool "$tool" || modules+=("$(module_of "$tool")")
	done
	if [ "$WAY" = built ]; then
		if needs_node_image; then
			modules+=("${NODE_MODULES[@]}")
		fi
	fi
	! wants_simulation || modules+=(kwok)
	[ "${KARPENTER:-}" != 1 ] || modules+=(karpenter)
	[ "${METRICS:-}" != 1 ] || modules+=(metrics-server)
	for module in $(printf '%s\n' "${modules[@]}" | awk '!seen[$0]++'); do
		is_built "$module" || echo "$module"
	done
	if [ "$WAY" = built ]; then
		needs_debian && echo debian
		has_image "$(base_image)" || echo base-image
		! needs_node_image || echo node-image
	fi
	[ -n "$(image_in_use)" ] || echo nodes
}

# A cluster that stands keeps the image it was made of.
needs_node_image() { [ -z "$(image_in_use)" ] && ! has_image "$(node_image)"; }

# Packages are fetched for the images that are missing.
needs_debian() {
	if ! has_image "$(base_image)"; then
		[ -s "$(base_file)" ] || return 0
	fi
	if needs_node_image; then
		[ -s "$(node_file)" ] && [ -s "$(tools_file)" ] || return 0
	fi
	return 1
}

wait_for_debian() {
	while kill -0 "$DEBIAN_JOB" 2>/dev/null; do sleep 0.5; done
	cat "$LOGS/packages-of-images.log"
	[ -s "$(base_file)" ] && [ -s "$(node_file)" ] && [ -s "$(tools_file)" ]
}

do_step() {
	case $1 in
	debian) step "$1" "Debian packages of the images (began beside the first step)" wait_for_debian ;;
	base-image) step "$1" "Image for jobs: $(base_image)" make_base_image ;;
	node-image) step "$1" "Node image $(node_image)" make_node_image ;;
	nodes) step "$1" "Cluster: a control plane and two workers" create_nodes "$NODE_IMAGE" \
		"$KIND/kind-$WAY.yaml" ;;
	*) step "$1" "Building $1 $(version_of "$1")" build "$1" ;;
	esac
}

version_of() {
	local variable=${1^^}
	variable=${variable//-/_}_VERSION
	echo "${!variable:-}"
}

do_missing_steps() {
	local name
	local -a steps
	mapfile -t steps < <(missing_steps)
	if [ ${#steps[@]} -eq 0 ]; then
		return
	fi
	plan "${steps[@]}"
	if [[ " ${steps[*]} " == *" debian "* ]]; then
		install_packages "${BUILD_PACKAGES[@]}"
		fetch_all_debian >"$LOGS/packages-of-images.log" 2>&1 9>&- &
		DEBIAN_JOB=$!
	fi
	for name in "${steps[@]}"; do
		do_step "$name"
	done
}

# Links to the tools: ours, or those that are installed.
shelve_tools() {
	local tool
	mkdir -p "$STATE/bin"
	for tool in "${TOOLS[@]}"; do
		if is_built "$(module_of "$tool")"; then
			shelve "$tool"
		else
			ln -sfn "$(command -v "$tool")" "$STATE/bin/$tool"
		fi
	done
}

# A cluster that broke while it was made is of no use.
drop_broken_cluster() {
	if [ -n "$(node_names)" ] && ! [ -s "$KUBECONFIG_FILE" ] &&
		! kind_here export kubeconfig --name "$CLUSTER" --kubeconfig "$KUBECONFIG_FILE" \
			>/dev/null 2>&1; then
		say "Deleting a cluster that was never finished"
		delete_cluster
	fi
}

up() {
	local -a names
	ensure_engine
	choose_way
	say "Nodes are $WAY, because $WHY."
	NODE_IMAGE=$PULLED_NODE_IMAGE
	[ "$WAY" = pulled ] || NODE_IMAGE=$(node_image)
	if is_built kubernetes; then
		shelve_tools
		drop_broken_cluster
	fi
	do_missing_steps
	shelve_tools
	mapfile -t names < <(node_names)
	if [ "$(nodes_running)" -lt ${#names[@]} ]; then
		# KWOK may talk to a port that is another now.
		stop_karpenter
		stop_simulation
		start_nodes
	fi
	[ -s "$KUBECONFIG_FILE" ] ||
		kind_here export kubeconfig --name "$CLUSTER" --kubeconfig "$KUBECONFIG_FILE"
	wait_for_api
	if [ "$WAY" = built ]; then
		base_image >"$STATE/base.image"
		connect_pods "${names[@]}"
	else
		rm -f "$STATE/base.image"
	fi
	wait_until_ready ${#names[@]}
	if wants_simulation || [ -n "$(simulated_nodes)" ]; then
		start_simulation
	fi
	if [ "${KARPENTER:-}" = 1 ]; then
		start_karpenter
	fi
	if [ "${METRICS:-}" = 1 ] && ! metrics_run; then
		start_metrics
	fi
	status
}

delete() {
	stop_karpenter
	stop_simulation
	if ! command -v docker >/dev/null; then
		say "There is no Docker here, so there is no cluster."
		return
	fi
	ensure_engine
	[ -e "$STATE/bin/kind" ] || ensure_built kind
	[ -e "$STATE/bin/kind" ] || shelve kind
	delete_cluster
	say "Cluster deleted. Built parts stay in $CACHE."
}

status() {
	local used
	if ! engine_runs; then
		fail "Docker does not run. Start it and the cluster: make cluster"
	fi
	used=$(image_in_use)
	if [ -z "$used" ]; then
		fail "There is no cluster. Make one: make cluster"
	fi
	say "Nodes:    $(cat "$STATE/way" 2>/dev/null); image $used"
	kubectl_here get nodes -l "$REAL_NODES" || say "The API server does not answer: make cluster"
	simulation_status
	karpenter_status
	metrics_status
	say "kubectl:  export KUBECONFIG=$KUBECONFIG_FILE PATH=$STATE/bin:\$PATH"
	[ ! -s "$STATE/base.image" ] || say "Base:     $(cat "$STATE/base.image") (for ARG BASE_IMAGE)"
	if [ "${NODE_IMAGE:-$used}" != "$used" ]; then
		say "Note:     the scripts now make $NODE_IMAGE;" \
			"renew the cluster when you like: make cluster-delete cluster"
	fi
}

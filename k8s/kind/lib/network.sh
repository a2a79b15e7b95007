# shellcheck shell=bash
# The pod network of our own node image: on each node a conflist with the node's part of the
# pod addresses, a route to each other node's part, and one rule that lets pods leave. Written
# from scratch at each call, so it also repairs a node that came back with another address.

readonly POD_ADDRESSES=10.244.0.0/16
# Simulated nodes (lib/kwok.sh) carry this label.
readonly REAL_NODES='!kwok.x-k8s.io/node'

# Docker knows a node's address; what the API server says of it may be from before a restart.
node_address() {
	docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1"
}

# One line a node that has its pod addresses: name, address, pod addresses.
node_addresses() {
	local name addresses
	kubectl_here get nodes -l "$REAL_NODES" --no-headers \
		-o custom-columns=NAME:.metadata.name,PODS:.spec.podCIDR |
		while read -r name addresses; do
			[ "$addresses" = '<none>' ] || echo "$name $(node_address "$name") $addresses"
		done
}

# wait_for_pod_addresses COUNT: prints the lines once every node has its part.
wait_for_pod_addresses() {
	local count=$1 lines
	for _ in $(seq 300); do
		lines=$(node_addresses 2>/dev/null || true)
		if [ "$(grep -c . <<<"$lines")" -eq "$count" ]; then
			echo "$lines"
			return
		fi
		sleep 0.2
	done
	fail "$count nodes should have pod addresses within a minute, seen:" \
		"$(node_addresses 2>&1 || true)" "Look at: $(kubectl_hint) describe nodes"
}

conflist() {
	cat <<-END
		{
		  "cniVersion": "1.0.0",
		  "name": "pods",
		  "plugins": [
		    {
		      "type": "ptp",
		      "ipMasq": false,
		      "ipam": {
		        "type": "host-local",
		        "dataDir": "/run/cni-addresses",
		        "routes": [{"dst": "0.0.0.0/0"}],
		        "ranges": [[{"subnet": "$1"}]]
		      }
		    },
		    {"type": "portmap", "capabilities": {"portMappings": true}}
		  ]
		}
	END
}

# node_commands NODE LINES: what NODE runs to know its own part and the ways to the others.
node_commands() {
	local node=$1 lines=$2 name address addresses
	echo 'set -eu'
	while read -r name address addresses; do
		if [ "$name" = "$node" ]; then
			echo "cat >/etc/cni/net.d/.pods <<'CONFLIST'"
			conflist "$addresses"
			echo "CONFLIST"
			echo "mv /etc/cni/net.d/.pods /etc/cni/net.d/10-pods.conflist"
			local rule="POSTROUTING -s $addresses ! -d $POD_ADDRESSES -j MASQUERADE"
			echo "iptables -t nat -C $rule 2>/dev/null || iptables -t nat -A $rule"
		else
			echo "ip route replace $addresses via $address"
		fi
	done <<<"$lines"
}

# connect_pods NODE...
connect_pods() {
	local lines node
	lines=$(wait_for_pod_addresses $#)
	for node in "$@"; do
		node_commands "$node" "$lines" | docker exec -i "$node" sh
	done
}

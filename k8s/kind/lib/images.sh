# shellcheck shell=bash
# Images from Debian packages and our own programs; each tag is a key of what goes in.

readonly MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
readonly SECURITY_MIRROR=${DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
readonly KEY_LABEL=stationmaster.key
readonly IMAGE_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

readonly BASE_PACKAGES=python3,ca-certificates,tzdata
readonly NODE_PACKAGES=systemd,systemd-sysv,dbus,runc,iptables,nftables,conntrack,ethtool,socat,kmod,iproute2,procps,mount,util-linux,ca-certificates,jq,hostname
readonly TOOLS_PACKAGES=dash,coreutils,iptables,conntrack,kmod

readonly DEBIAN_RULES=(
	--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*'
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright'
)

# The programs that the node image is made of, by module.
readonly NODE_MODULES=(kubernetes coredns containerd local-path cri-tools etcd cni capstrip pause)

key() { sha256sum | cut -c1-12; }

base_image() {
	echo "stationmaster/base:$BASE_SUITE-$(
		echo "$(basename "$(base_file)") $(declare -f make_base_image)" | key
	)"
}

node_image() {
	local module
	echo "stationmaster/node:$KUBERNETES_VERSION-$({
		for module in "${NODE_MODULES[@]}"; do module_key "$module"; done
		basename -a "$(node_file)" "$(tools_file)"
		echo "$ETCD_TAG $COREDNS_TAG $PAUSE_TAG $IMAGE_PATH"
		find "$KIND/node" -type f | LC_ALL=C sort | xargs cat
		declare -f node_folder control_plane_images kube_proxy_image put_images_in make_node_image
	} | key)"
}

has_image() { docker image inspect "$1" >/dev/null 2>&1; }

# debian_file SUITE VARIANT PACKAGES: where that set of packages lies once it is fetched.
debian_file() { echo "$CACHE/debian/$1-$(echo "$* ${DEBIAN_RULES[*]}" | key).tar"; }

base_file() { debian_file "$BASE_SUITE" minbase "$BASE_PACKAGES"; }
node_file() { debian_file "$NODE_SUITE" minbase "$NODE_PACKAGES"; }
# Of kube-proxy's image, which also makes the folders of volumes: a shell and iptables, no more.
tools_file() { debian_file "$NODE_SUITE" extract "$TOOLS_PACKAGES"; }

fetch_debian() {
	local suite=$1 target
	target=$(debian_file "$@")
	[ ! -s "$target" ] || return 0
	mkdir -p "$CACHE/debian"
	local -a certificates=()
	[ -z "${CA_BUNDLE:-}" ] || certificates=(--aptopt="Acquire::https::CAInfo \"$CA_BUNDLE\"")
	mmdebstrap --variant="$2" --include="$3" "${DEBIAN_RULES[@]}" "${certificates[@]}" \
		"$suite" "$target.next.tar" \
		"deb $MIRROR $suite main" "deb $MIRROR $suite-updates main" \
		"deb $SECURITY_MIRROR $suite-security main"
	mv "$target.next.tar" "$target"
}

# Fetches beside the compiler, which waits for processors where this waits for the network.
fetch_all_debian() {
	fetch_debian "$BASE_SUITE" minbase "$BASE_PACKAGES"
	fetch_debian "$NODE_SUITE" minbase "$NODE_PACKAGES"
	fetch_debian "$NODE_SUITE" extract "$TOOLS_PACKAGES"
}

make_base_image() {
	docker import -c "ENV PATH=$IMAGE_PATH" -c "LABEL $KEY_LABEL=$(base_image)" \
		-c 'CMD ["python3"]' "$(base_file)" "$(base_image)"
}

# one_program PROGRAM PATH TAG [ENTRYPOINT]: an image with nothing else in it.
one_program() {
	local folder=$WORK/one
	local -a changes=(-c "ENV PATH=/usr/local/bin")
	[ -z "${4:-}" ] || changes+=(-c "ENTRYPOINT [\"$4\"]")
	rm -rf "$folder"
	install -D -m 755 "$(program "$1")" "$folder/$2"
	tar -C "$folder" --owner=0 --group=0 -c . | docker import "${changes[@]}" - "$3"
}

kube_proxy_image() {
	local folder=$WORK/proxy link
	rm -rf "$folder"
	mkdir -p "$folder"
	tar -C "$folder" --exclude='./dev/*' -xf "$(tools_file)"
	for link in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
		ln -sf xtables-nft-multi "$folder/usr/sbin/$link"
	done
	install -D -m 755 "$(program kube-proxy)" "$folder/usr/local/bin/kube-proxy"
	tar -C "$folder" --owner=0 --group=0 -c . |
		docker import -c "ENV PATH=$IMAGE_PATH" - "$1"
}

# Builds the images that kubeadm and the node's own manifests name; prints their tags.
control_plane_images() {
	local registry=registry.k8s.io version=$KUBERNETES_VERSION name
	for name in kube-apiserver kube-controller-manager kube-scheduler; do
		one_program "$name" "usr/local/bin/$name" "$registry/$name:$version" >&2
		echo "$registry/$name:$version"
	done
	one_program etcd usr/local/bin/etcd "$registry/etcd:$ETCD_TAG" >&2
	one_program coredns coredns "$registry/coredns/coredns:$COREDNS_TAG" /coredns >&2
	one_program pause pause "$registry/pause:$PAUSE_TAG" /pause >&2
	kube_proxy_image "$registry/kube-proxy:$version" >&2
	name=stationmaster/local-path-provisioner:$LOCAL_PATH_VERSION
	one_program local-path-provisioner usr/local/bin/local-path-provisioner "$name" >&2
	printf '%s\n' "$registry/etcd:$ETCD_TAG" "$registry/coredns/coredns:$COREDNS_TAG" \
		"$registry/pause:$PAUSE_TAG" "$registry/kube-proxy:$version" "$name"
}

# What is laid over Debian to make it a node.
node_folder() {
	local folder=$1 name unit
	rm -rf "$folder"
	for name in kubelet kubeadm kubectl containerd containerd-shim-runc-v2 ctr crictl; do
		install -D -m 755 "$(program "$name")" "$folder/usr/local/bin/$name"
	done
	for name in ptp host-local loopback portmap; do
		install -D -m 755 "$(program "$name")" "$folder/opt/cni/bin/$name"
	done
	install -D -m 755 "$(program capstrip)" "$folder/usr/local/sbin/runc"
	install -D -m 755 "$KIND/node/bin/entrypoint" "$folder/usr/local/bin/entrypoint"
	install -D -m 755 "$KIND/node/bin/kubelet-cgroups" "$folder/usr/local/libexec/kubelet-cgroups"
	sed "s/@PAUSE_TAG@/$PAUSE_TAG/" "$KIND/node/containerd.toml" |
		install -D -m 644 /dev/stdin "$folder/etc/containerd/config.toml"
	install -D -m 644 "$KIND/node/crictl.yaml" "$folder/etc/crictl.yaml"
	mkdir -p "$folder/etc/cni/net.d" "$folder/etc/containerd/certs.d"
	mkdir -p "$folder/etc/systemd/system/multi-user.target.wants" "$folder/kind/manifests"
	install -m 644 "$KIND"/node/units/* "$folder/etc/systemd/system/"
	for unit in containerd kubelet; do
		ln -s "../$unit.service" "$folder/etc/systemd/system/multi-user.target.wants/$unit.service"
	done
	# A node has no devices to find, no consoles to log in to and no packages to renew.
	for unit in systemd-udevd.service systemd-udev-trigger.service systemd-logind.service \
		getty@tty1.service console-getty.service systemd-timesyncd.service nftables.service \
		apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer \
		e2scrub_reap.service; do
		ln -s /dev/null "$folder/etc/systemd/system/$unit"
	done
	printf '%s' "$KUBERNETES_VERSION" >"$folder/kind/version"
	sed -e "s/@KUBERNETES_VERSION@/$KUBERNETES_VERSION/" \
		-e "s/@LOCAL_PATH_VERSION@/$LOCAL_PATH_VERSION/" \
		"$KIND/node/storage.yaml" >"$folder/kind/manifests/default-storage.yaml"
}

# put_images_in CONTAINER IMAGE...: into the containerd of a container that will be a node image.
# Not unpacked: each node unpacks what it runs, into its own volume.
put_images_in() {
	local container=$1
	shift
	docker exec -d "$container" containerd
	for _ in $(seq 100); do
		docker exec "$container" ctr version >/dev/null 2>&1 && break
		sleep 0.2
	done
	docker save "$@" |
		docker exec -i "$container" ctr -n k8s.io images import --no-unpack -
	docker exec "$container" sh -c 'kill $(pidof containerd); while pidof containerd; do sleep 0.1; done;
		rm -f /etc/machine-id /var/lib/dbus/machine-id'
}

make_node_image() {
	local image container images root=stationmaster/node-root:next
	image=$(node_image)
	images=$(control_plane_images)
	node_folder "$WORK/node"
	docker import -c "ENV PATH=$IMAGE_PATH" "$(node_file)" "$root"
	container=stationmaster-node-next
	docker rm -f "$container" 2>/dev/null || true
	docker create --name "$container" --privileged "$root" sleep infinity
	tar -C "$WORK/node" --owner=0 --group=0 -c . | docker cp - "$container:/"
	docker start "$container"
	# shellcheck disable=SC2086 # one word an image
	put_images_in "$container" $images
	docker commit -c 'ENTRYPOINT ["/usr/local/bin/entrypoint"]' -c 'CMD []' \
		-c "LABEL $KEY_LABEL=$image" "$container" "$image-next"
	docker rm -f "$container"
	# Only a Dockerfile can say how systemd wants to be asked to stop.
	printf 'FROM %s\nSTOPSIGNAL SIGRTMIN+3\n' "$image-next" |
		DOCKER_BUILDKIT=0 docker build -t "$image" -
	docker rmi "$image-next" "$root" >/dev/null
	rm -rf "$WORK/node" "$WORK/one" "$WORK/proxy"
}

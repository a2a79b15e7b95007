# shellcheck shell=bash
# Programs from Go modules: each module has a go.mod with its version and a go.sum of its own,
# and its programs lie in CACHE/go/MODULE-KEY, where the key is made from what goes in.

readonly BUILD_FLAGS=(-trimpath -buildvcs=false)

# module_key MODULE: changes with the module's files, the flags and the stamped version.
module_key() {
	(
		cd "$KIND/modules/$1" || exit
		cat go.mod go.sum main.go host.go 2>/dev/null || true
		link_flags "$1"
	) | sha256sum | cut -c1-12
}

module_folder() { echo "$CACHE/go/$1-$(module_key "$1")"; }

# What the programs say of themselves; kubeadm and kubelet refuse to work without a version.
link_flags() {
	local version=k8s.io/component-base/version minor=${KUBERNETES_VERSION#v1.}
	case $1 in
	kubernetes)
		echo "-s -w -X $version.gitVersion=$KUBERNETES_VERSION -X $version.gitMajor=1" \
			"-X $version.gitMinor=${minor%%.*} -X $version.gitTreeState=clean"
		;;
	containerd)
		echo "-s -w -X github.com/containerd/containerd/v2/version.Version=$CONTAINERD_VERSION"
		;;
	helm) echo "-s -w -X helm.sh/helm/v4/internal/version.version=$HELM_VERSION" ;;
	*) echo "-s -w" ;;
	esac
}

is_built() { [ -d "$(module_folder "$1")" ]; }

# build MODULE: into a folder of its own, renamed at the end, so that half a build is none.
build() {
	local module=$1 folder target next
	folder=$(module_folder "$module")
	next=$folder.next.$$
	command -v go >/dev/null || fail "expected Go 1.26 or later, to build $module; found none." \
		"Install it from https://go.dev/dl, or use a machine with an image registry."
	target=.
	grep -q '^tool' "$KIND/modules/$module/go.mod" && target=tool
	mkdir -p "$next"
	(
		cd "$KIND/modules/$module" || exit
		GOFLAGS=-mod=readonly GOWORK=off CGO_ENABLED=0 \
			go build "${BUILD_FLAGS[@]}" -ldflags "$(link_flags "$module")" -o "$next/" $target
	)
	# etcd's server is a package called "server", Karpenter's with KWOK's nodes one called "kwok".
	[ ! -e "$next/server" ] || mv "$next/server" "$next/etcd"
	[ "$module" != karpenter ] || mv "$next/kwok" "$next/karpenter-kwok"
	if declare -F "keep_files_of_$module" >/dev/null; then
		"keep_files_of_$module" "$next"
	fi
	mv "$next" "$folder"
}

ensure_built() { is_built "$1" || build "$1"; }

# KWOK's resource definitions and stages come with its module.
keep_files_of_kwok() {
	local module
	module=$(cd "$KIND/modules/kwok" && GOFLAGS=-mod=readonly go list -m -f '{{.Dir}}' sigs.k8s.io/kwok)
	mkdir -p "$1/files"
	cp "$module/kustomize/crd/bases/kwok.x-k8s.io_stages.yaml" \
		"$module"/kustomize/stage/pod/fast/pod-{ready,delete}.yaml \
		"$module/kustomize/stage/node/fast/node-initialize.yaml" \
		"$module/kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml" "$1/files/"
	chmod -R u+w "$1/files"
}

# Karpenter's resource definitions too, and those of its KWOK provider.
keep_files_of_karpenter() {
	local module
	module=$(cd "$KIND/modules/karpenter" &&
		GOFLAGS=-mod=readonly go list -m -f '{{.Dir}}' sigs.k8s.io/karpenter)
	mkdir -p "$1/files"
	cp "$module"/pkg/apis/crds/*.yaml "$module"/kwok/apis/crds/*.yaml "$1/files/"
	chmod -R u+w "$1/files"
}

# metrics-server's own manifests.
keep_files_of_metrics-server() {
	local module
	module=$(cd "$KIND/modules/metrics-server" &&
		GOFLAGS=-mod=readonly go list -m -f '{{.Dir}}' sigs.k8s.io/metrics-server)
	mkdir -p "$1/files"
	cp "$module"/manifests/base/*.yaml "$1/files/"
	chmod -R u+w "$1/files"
}

# module_of PROGRAM
module_of() {
	case $1 in
	kube*) echo kubernetes ;; containerd* | ctr) echo containerd ;;
	crictl) echo cri-tools ;; karpenter-kwok) echo karpenter ;; local-path-provisioner) echo local-path ;;
	ptp | host-local | loopback | portmap) echo cni ;; *) echo "$1" ;;
	esac
}

# program NAME: the path of what was built.
program() { echo "$(module_folder "$(module_of "$1")")/$1"; }

# shelve PROGRAM...: links them into build/kind/bin, where people and other scripts find them.
shelve() {
	local name
	mkdir -p "$STATE/bin"
	for name in "$@"; do
		ln -sfn "$(program "$name")" "$STATE/bin/$name"
	done
}

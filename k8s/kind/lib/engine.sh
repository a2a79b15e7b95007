# shellcheck shell=bash
# The container engine: used when it runs, started when it is installed, installed when asked.

readonly ENGINE_PACKAGES=(docker.io containerd runc iptables)

engine_runs() { docker info >/dev/null 2>&1; }

# allowed WORDS: YES=1 or CI=true, or the answer of whoever sits there.
allowed() {
	if [ "${YES:-}" = 1 ] || [ "${CI:-}" = true ]; then
		return 0
	fi
	local answer=""
	if [ -t 0 ]; then
		read -r -p "$1 [y/N] " answer
	fi
	[[ $answer == [yY]* ]]
}

# install_packages PACKAGE...: those that are missing, and only when allowed.
install_packages() {
	local package
	local -a missing=()
	for package in "$@"; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
			missing+=("$package")
	done
	if [ ${#missing[@]} -eq 0 ]; then
		return
	fi
	command -v apt-get >/dev/null || fail \
		"expected Debian or Ubuntu, to install ${missing[*]}; found no apt-get." \
		"Install and start Docker yourself, then call make cluster again."
	allowed "Install the system packages ${missing[*]} (apt-get install)?" || fail \
		"expected leave to install the system packages ${missing[*]}; got none." \
		"Say YES=1 (make cluster YES=1), or install them yourself."
	[ "$(id -u)" = 0 ] || fail "expected root, to install ${missing[*]}." \
		"Run: sudo apt-get install ${missing[*]}"
	say "Installing ${missing[*]}"
	{
		apt-get update && DEBIAN_FRONTEND=noninteractive \
			apt-get install -y --no-install-recommends "${missing[@]}"
	} >"$LOGS/packages.log" 2>&1 || fail "apt-get could not install ${missing[*]};" \
		"see $LOGS/packages.log"
}

# True where the host lacks a capability that privileged containers ask for.
host_lacks_capabilities() {
	local bounding last
	bounding=$(awk '/^CapBnd:/ {print $2}' /proc/self/status)
	last=$(cat /proc/sys/kernel/cap_last_cap)
	((0x$bounding != (1 << (last + 1)) - 1))
}

ensure_engine() {
	command -v docker >/dev/null && engine_runs && {
		check_runtime
		return
	}
	if ! command -v dockerd >/dev/null; then
		install_packages "${ENGINE_PACKAGES[@]}"
	fi
	engine_runs || start_engine
	check_runtime
}

start_engine() {
	if [ -d /run/systemd/system ]; then
		systemctl start docker || fail "expected docker.service to start;" \
			"see: journalctl -u docker"
		return
	fi
	[ "$(id -u)" = 0 ] || fail "expected a running Docker; the daemon does not answer." \
		"Start it (it needs root), then call make cluster again."
	start_daemon
}

# A daemon of ours: its settings, log and process id lie in the cache folder.
start_daemon() {
	local folder=$CACHE/engine
	mkdir -p "$folder"
	ensure_built capstrip
	printf '{"runtimes": {"capstrip": {"path": "%s"}}, "default-runtime": "capstrip"}\n' \
		"$(program capstrip)" >"$folder/daemon.json"
	# A reboot leaves files that name processes of another life.
	rm -f "$folder/dockerd.pid"
	say "Starting dockerd (log: $folder/dockerd.log)"
	setsid nohup dockerd --config-file "$folder/daemon.json" --pidfile "$folder/dockerd.pid" \
		>>"$folder/dockerd.log" 2>&1 </dev/null 9>&- &
	disown
	for _ in $(seq 150); do
		engine_runs && return
		sleep 0.2
	done
	tail -n 15 "$folder/dockerd.log" >&2
	fail "expected dockerd to answer within 30 s; it did not. See $folder/dockerd.log"
}

# Privileged containers, which nodes are, only start here through capstrip.
check_runtime() {
	if ! host_lacks_capabilities || [ -n "${DOCKER_HOST:-}" ]; then
		return
	fi
	[ "$(docker info --format '{{.DefaultRuntime}}')" = capstrip ] || fail \
		"expected Docker's default runtime to be capstrip, because this host lacks capabilities" \
		"that privileged containers ask for; it is another. Stop the daemon that was started" \
		"by other means and call make cluster again, or add capstrip to /etc/docker/daemon.json" \
		"(docs/cluster.md says how)."
}

# The engine pulls: asked of the registry itself, without pulling anything.
registry_answers() {
	docker image inspect "$PULLED_NODE_IMAGE" >/dev/null 2>&1 ||
		timeout 20 docker manifest inspect "$PULLED_NODE_IMAGE" >/dev/null 2>&1
}

# shellcheck shell=bash
# What is said to the user: steps with the time they take and the time that is left.

say() { printf '%s\n' "$*"; }

# fail SENTENCE...: one sentence a line, then the end.
fail() {
	printf '%s\n' "$@" >&2
	exit 1
}

# runs_beside NAME PROGRAM: whether what we started beside the cluster as NAME still is that program.
runs_beside() {
	local pid
	pid=$(cat "$STATE/$1.pid" 2>/dev/null) && [ -n "$pid" ] && grep -qsz "$2" "/proc/$pid/cmdline"
}

# stop_beside NAME PROGRAM
stop_beside() {
	if runs_beside "$1" "$2"; then
		kill "$(cat "$STATE/$1.pid")"
	fi
	rm -f "$STATE/$1.pid"
}

# minutes SECONDS: 75 is "1:15".
minutes() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# Seconds a step takes on 2 cores with nothing cached (measured, see docs/cluster.md).
expected_seconds() {
	case $1 in
	kubernetes) echo 350 ;; coredns) echo 190 ;; helm) echo 180 ;; kwok) echo 100 ;; karpenter) echo 120 ;;
	metrics-server) echo 90 ;;
	containerd) echo 70 ;; local-path) echo 70 ;; cri-tools) echo 35 ;; etcd) echo 25 ;;
	kind | cni | capstrip | pause) echo 5 ;;
	debian) echo 60 ;; node-image) echo 60 ;; nodes) echo 30 ;; *) echo 10 ;;
	esac
}

declare -a STEPS=()
STEPS_DONE=0

# plan STEP...: what is still to do, in order.
plan() { STEPS=("$@"); }

# seconds_left: of all planned steps that are not done yet.
seconds_left() {
	local sum=0 step
	for step in "${STEPS[@]:$STEPS_DONE}"; do
		sum=$((sum + $(expected_seconds "$step")))
	done
	echo "$sum"
}

# Says every 20 seconds how far a step is; ended by its caller.
tick() {
	local step=$1 left=$2 passed=0 remaining pause=""
	trap 'kill "$pause" 2>/dev/null; exit' TERM
	while true; do
		sleep 20 &
		pause=$!
		wait "$pause"
		passed=$((passed + 20))
		remaining=$((left > passed ? left - passed : 0))
		say "      $step: $(minutes $passed) so far, about $(minutes $remaining) left in all"
	done
}

# step NAME WORDS COMMAND...: runs it, its output into LOGS/NAME.log, and says how long it took.
step() {
	local name=$1 words=$2 started=$SECONDS left status=0 ticker
	shift 2
	left=$(seconds_left)
	say "[$((STEPS_DONE + 1))/${#STEPS[@]}] $words (about $(minutes "$(expected_seconds "$name")");" \
		"$(minutes "$left") left in all)"
	tick "$name" "$left" &
	ticker=$!
	# A subshell of its own keeps errexit alive inside: "if" and "||" would switch it off.
	set +e
	(
		set -e
		"$@"
	) >"$LOGS/$name.log" 2>&1
	status=$?
	set -e
	kill "$ticker" 2>/dev/null || true
	wait "$ticker" 2>/dev/null || true
	if [ "$status" -ne 0 ]; then
		tail -n 25 "$LOGS/$name.log" >&2
		fail "expected \"$words\" to work; it ended with exit code $status." \
			"The whole output: $LOGS/$name.log. Mend the cause and call again: what is done is kept."
	fi
	STEPS_DONE=$((STEPS_DONE + 1))
	say "      done in $(minutes $((SECONDS - started)))"
	printf '%s %s\n' "$name" $((SECONDS - started)) >>"$LOGS/seconds"
}

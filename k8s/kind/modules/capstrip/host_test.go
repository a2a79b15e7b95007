package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// A host without CAP_SYS_RESOURCE whose own limits are low and whose own OOM score is 0.
var small = host{
	missing: map[string]bool{"CAP_SYS_RESOURCE": true},
	hard:    func(int) (uint64, bool) { return 1024, true },
}

const privileged = `{"ociVersion": "1.1.0", "process": {"oomScoreAdj": -997,
	"capabilities": {"bounding": ["CAP_CHOWN", "CAP_SYS_RESOURCE"], "ambient": ["CAP_CHOWN"]},
	"rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1048576, "soft": 512}]},
	"linux": {"resources": {"memory": {"limit": 9007199254740993}}}}`

func rewritten(t *testing.T, content string, insideProcess bool, host host) (map[string]any, bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := rewrite(path, insideProcess, host); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(after, &document); err != nil {
		t.Fatal(err)
	}
	return document, string(after) != content
}

func TestWhatTheHostLacksIsTakenOut(t *testing.T) {
	document, changed := rewritten(t, privileged, true, small)
	process := document["process"].(map[string]any)
	bounding := process["capabilities"].(map[string]any)["bounding"]
	limit := process["rlimits"].([]any)[0].(map[string]any)
	if !changed || !reflect.DeepEqual(bounding, []any{"CAP_CHOWN"}) {
		t.Errorf("expected CAP_CHOWN alone, got %v", bounding)
	}
	if limit["hard"] != 1024.0 || limit["soft"] != 512.0 {
		t.Errorf("expected the hard limit of the host and the soft one asked, got %v", limit)
	}
	if process["oomScoreAdj"] != 0.0 {
		t.Errorf("expected the host's OOM score 0, got %v", process["oomScoreAdj"])
	}
}

func TestNothingChangesWhereNothingIsMissing(t *testing.T) {
	if _, changed := rewritten(t, privileged, true, host{missing: map[string]bool{}}); changed {
		t.Error("expected the file as it was")
	}
}

func TestLargeNumbersStayExact(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, []byte(privileged), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := rewrite(path, true, small); err != nil {
		t.Fatal(err)
	}
	after, _ := os.ReadFile(path)
	if !json.Valid(after) || !strings.Contains(string(after), "9007199254740993") {
		t.Errorf("expected the memory limit to the byte, got %s", after)
	}
}

func TestTheProcessOfAnExecIsRewrittenAtItsTop(t *testing.T) {
	document, changed := rewritten(t, `{"capabilities": {"bounding": ["CAP_SYS_RESOURCE"]}}`, false, small)
	bounding := document["capabilities"].(map[string]any)["bounding"]
	if !changed || len(bounding.([]any)) != 0 {
		t.Errorf("expected no capability, got %v", bounding)
	}
}

func TestTheFileOfACallIsFound(t *testing.T) {
	for _, example := range []struct {
		arguments []string
		path      string
		inside    bool
	}{
		{[]string{"--root", "/r", "create", "--bundle", "/b", "id"}, "/b/config.json", true},
		{[]string{"run", "-b=/b", "id"}, "/b/config.json", true},
		{[]string{"create", "id"}, "config.json", true},
		{[]string{"exec", "--process", "/p.json", "id"}, "/p.json", false},
		{[]string{"exec", "-p", "/p.json", "id"}, "/p.json", false},
		{[]string{"delete", "--force", "id"}, "", false},
	} {
		path, inside := configuration(example.arguments)
		if path != example.path || inside != example.inside {
			t.Errorf("%v: expected %q, %v; got %q, %v",
				example.arguments, example.path, example.inside, path, inside)
		}
	}
}

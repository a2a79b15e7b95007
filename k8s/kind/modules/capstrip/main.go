// Command capstrip stands before runc and takes out of a container's configuration what this
// host cannot grant: capabilities outside its bounding set and, where CAP_SYS_RESOURCE is one
// of them, resource limits above its own and OOM scores below its own.
//
// A privileged container asks for every capability. On a host that lacks one (a container or a
// small virtual machine) runc refuses the whole container ("can't apply capabilities"). Where
// nothing is missing, capstrip changes nothing and only starts runc.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// runcPaths are the places of the real runc; the first that is not this program is taken.
var runcPaths = []string{"/usr/sbin/runc", "/usr/bin/runc", "/usr/local/bin/runc", "/sbin/runc"}

func main() {
	if err := strike(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "capstrip: %v; starting runc with what was asked\n", err)
	}
	path, err := realRunc()
	if err == nil {
		err = syscall.Exec(path, append([]string{"runc"}, os.Args[1:]...), os.Environ())
	}
	fmt.Fprintf(os.Stderr, "capstrip: %v\n", err)
	os.Exit(127)
}

// realRunc finds the runc behind this program.
func realRunc() (string, error) {
	own, err := os.Stat("/proc/self/exe")
	if err != nil {
		return "", err
	}
	for _, path := range runcPaths {
		found, err := os.Stat(path)
		if err == nil && !os.SameFile(own, found) {
			return path, nil
		}
	}
	return "", fmt.Errorf("no runc in %s: install the package runc", strings.Join(runcPaths, ", "))
}

// strike rewrites the file that this call of runc reads, if it reads one.
func strike(arguments []string) error {
	path, insideProcess := configuration(arguments)
	if path == "" {
		return nil
	}
	host, err := ownHost()
	if err != nil || !host.lacksAny() {
		return err
	}
	return rewrite(path, insideProcess, host)
}

// configuration names the JSON file of a call, and whether its process stands under "process".
func configuration(arguments []string) (path string, insideProcess bool) {
	command := ""
	for _, argument := range arguments {
		if argument == "create" || argument == "run" || argument == "exec" {
			command = argument
			break
		}
	}
	switch command {
	case "create", "run":
		return filepath.Join(option(arguments, "bundle", "b", "."), "config.json"), true
	case "exec":
		return option(arguments, "process", "p", ""), false
	}
	return "", false
}

// option returns the value of --long or -short, in either spelling.
func option(arguments []string, long, short, otherwise string) string {
	for i, argument := range arguments {
		for _, name := range []string{"--" + long, "-" + long, "-" + short} {
			if argument == name && i+1 < len(arguments) {
				return arguments[i+1]
			}
			if value, found := strings.CutPrefix(argument, name+"="); found {
				return value
			}
		}
	}
	return otherwise
}

// rewrite replaces the file only when something had to be taken out of it.
func rewrite(path string, insideProcess bool, host host) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	var document map[string]any
	if err := decoder.Decode(&document); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	process := document
	if insideProcess {
		process, _ = document["process"].(map[string]any)
	}
	if process == nil || !host.reduce(process) {
		return nil
	}
	return replace(path, document)
}

// replace writes next to the file and renames, so that no half file is ever read.
func replace(path string, document map[string]any) error {
	before, err := os.Stat(path)
	if err != nil {
		return err
	}
	content, err := json.Marshal(document)
	if err != nil {
		return err
	}
	next := path + ".capstrip." + strconv.Itoa(os.Getpid())
	if err := os.WriteFile(next, content, before.Mode().Perm()); err != nil {
		return err
	}
	return os.Rename(next, path)
}

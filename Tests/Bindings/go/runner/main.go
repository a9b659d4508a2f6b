// Command runner executes the shared cases through the Go binding.
//
//	MARTLET_RECEIVER=http://127.0.0.1:N runner cases.json
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"martlet.example/martlet"
)

type document = map[string]any

type step map[string]any

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "runner cases.json")
		os.Exit(2)
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var suite struct {
		Cases []struct {
			Name  string
			Steps []step
		}
	}
	if err := decode(text, &suite); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	passed, failed := 0, 0
	for _, c := range suite.Cases {
		if err := run(c.Steps); err != nil {
			fmt.Printf("not ok %s (%v)\n", c.Name, err)
			failed++
		} else {
			fmt.Printf("ok %s\n", c.Name)
			passed++
		}
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed != 0 || passed == 0 {
		os.Exit(1)
	}
}

// run executes one case, and ends at its first step that fails.
func run(steps []step) error {
	folder, err := os.MkdirTemp("", "martlet-case-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	host := &host{receiver: os.Getenv("MARTLET_RECEIVER")}
	defer host.end()
	saved := document{"receiver": host.receiver, "directory": filepath.Join(folder, "journal")}
	for i, step := range steps {
		if err := take(host, step, saved); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

func take(host *host, step step, saved document) error {
	filled, err := fill(map[string]any(step), saved)
	if err != nil {
		return err
	}
	step = filled.(document)
	name, operation := "", any(nil)
	for key, value := range step {
		switch key {
		case "save", "expect", "error":
		default:
			if name != "" {
				return fmt.Errorf("a step has both %s and %s", name, key)
			}
			name, operation = key, value
		}
	}
	result, err := host.perform(name, operation)
	if wanted, mustFail := step["error"].(document); mustFail {
		return failedSo(err, wanted)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	// As JSON says it, whatever type the binding has for it.
	text, err := json.Marshal(result)
	if err != nil {
		return err
	}
	var plain any
	if err := decode(text, &plain); err != nil {
		return err
	}
	if save, isThere := step["save"].(string); isThere {
		saved[save] = plain
	}
	if expected, isThere := step["expect"]; isThere {
		if err := match(plain, expected, name); err != nil {
			return err
		}
	}
	return nil
}

func failedSo(err error, wanted document) error {
	var refused *martlet.Error
	if !errors.As(err, &refused) {
		return fmt.Errorf("gave %v instead of %v", err, wanted["name"])
	}
	if refused.Code.Name() != wanted["name"] {
		return fmt.Errorf("gave %w instead of %v", err, wanted["name"])
	}
	if part, isThere := wanted["contains"].(string); isThere && !strings.Contains(refused.Text, part) {
		return fmt.Errorf("the error does not contain %q: %w", part, err)
	}
	return nil
}

func decode(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(into)
}

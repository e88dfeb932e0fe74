// Command testreport reads what go test -json writes, shows what go test would have shown, and fails
// on a skipped test as it does on a failed one: a check that did not run has not passed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type event struct {
	Action, Package, Test, Output string
}

func main() {
	output := map[[2]string]*strings.Builder{} // of tests under way
	passed, failed := 0, 0
	var skipped []string
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var e event
		if err := json.Unmarshal(in.Bytes(), &e); err != nil {
			fmt.Println(in.Text()) // of the go command itself
			continue
		}
		test := [2]string{e.Package, e.Test}
		switch e.Action {
		case "output", "build-output":
			if e.Test == "" {
				fmt.Print(e.Output)
				continue
			}
			if output[test] == nil {
				output[test] = new(strings.Builder)
			}
			output[test].WriteString(e.Output)
			continue
		case "pass":
			if e.Test != "" {
				passed++
			}
		case "fail", "build-fail":
			failed++
		case "skip":
			if e.Test != "" { // a package without tests is no skip
				skipped = append(skipped, e.Package+" "+e.Test)
			}
		default:
			continue
		}
		if o := output[test]; o != nil && e.Action != "pass" {
			fmt.Print(o)
		}
		delete(output, test)
	}
	if err := in.Err(); err != nil {
		fmt.Println("testreport:", err)
		failed++
	}
	for test, o := range output { // never ended: a panic or a timeout
		fmt.Printf("%s did not end:\n%s", test[1], o)
		failed++
	}
	for _, s := range skipped {
		fmt.Println("SKIPPED:", s)
	}
	fmt.Printf("%d tests passed, %d failures, %d skipped\n", passed, failed, len(skipped))
	if failed > 0 || len(skipped) > 0 || passed == 0 {
		os.Exit(1)
	}
}

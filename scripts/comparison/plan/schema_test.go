package plan_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/plan"
)

var update = flag.Bool("update", false, "write testdata/schema.txt")

// The fields of the JSON and their types do not change.
func TestSchema(t *testing.T) {
	b, err := json.Marshal(planned(t, 86400, plan.Steady, 10, nil))
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(b, &value); err != nil {
		t.Fatal(err)
	}
	fields := map[string]bool{}
	walk("", value, fields)
	got := strings.Join(slices.Sorted(maps.Keys(fields)), "\n") + "\n"
	const golden = "testdata/schema.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the JSON's fields differ from %s, which go test -update writes: got\n%s", golden, got)
	}
}

func walk(path string, value any, fields map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			walk(path+"."+name, inner, fields)
		}
	case []any:
		for _, inner := range v {
			walk(path+"[]", inner, fields)
		}
	default:
		fields[fmt.Sprintf("%s %T", path, v)] = true
	}
}

package deploy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Variables that are read by other software than our programs.
var foreign = map[string]string{
	"LD_LIBRARY_PATH":            "the system's linker",
	"MALLOC_ARENA_MAX":           "the C library",
	"TF_CPP_MIN_LOG_LEVEL":       "TensorFlow",
	"AWS_USE_DUALSTACK_ENDPOINT": "the AWS SDK",
	"AWS_REGION":                 "the AWS SDK",
	"ATELIER_DEPLOYMENT":         "programs that write metrics, for their dimension",
}

// Every variable that the template sets is read by its program, and every required variable of a
// program is set.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	tmpl := readTemplate(t)
	variables := func(function string) (names []string) {
		for name := range tmpl.resources[function].at("Environment", "Variables").(map[string]any) {
			names = append(names, name)
		}
		return names
	}
	daemon := regexp.MustCompile(`(?m)^([A-Z_]+)=`)
	settings := func(content string) (names []string) {
		for _, m := range daemon.FindAllStringSubmatch(content, -1) {
			names = append(names, m[1])
		}
		return names
	}
	example, err := os.ReadFile("ec2/worker.env.example")
	if err != nil {
		t.Fatal(err)
	}
	instance := text(tmpl.resources["LaunchTemplate"].at("LaunchTemplateData", "UserData", "Fn::Base64"))
	for name, tt := range map[string]struct {
		set      []string
		programs []string
	}{
		"ApiFunction":         {variables("ApiFunction"), []string{"api/cmd/api-lambda"}},
		"WorkerFunction":      {variables("WorkerFunction"), []string{"worker/cmd/worker-lambda", "worker/cmd/worker-bootstrap"}},
		"MaintenanceFunction": {variables("MaintenanceFunction"), []string{"worker/cmd/maintenance-lambda"}},
		"LaunchTemplate":      {settings(instance), []string{"worker/cmd/worker-daemon"}},
		"worker.env.example":  {settings(string(example)), []string{"worker/cmd/worker-daemon"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			known, required := read(t, tt.programs...)
			if len(tt.set) == 0 {
				t.Error("no variable is set")
			}
			for _, v := range tt.set {
				if foreign[v] == "" && !slices.Contains(known, v) {
					t.Errorf("%s is set, which %s does not read", v, tt.programs)
				}
			}
			for _, v := range required {
				if !slices.Contains(tt.set, v) {
					t.Errorf("%s is not set, which %s requires", v, tt.programs)
				}
			}
		})
	}
}

var (
	tag    = regexp.MustCompile("`[^`]*env:\"([A-Z_,0-9]+)\"[^`]*`")
	getenv = regexp.MustCompile(`[Gg]etenv\("([A-Z_0-9]+)"\)`)
	// structure is a struct's name and fields, and embedded the name of one that is embedded.
	structure = regexp.MustCompile(`(?s)\ntype (\w+) struct \{(.*?)\n\}`)
	embedded  = regexp.MustCompile("(?m)^\t(?:\\w+\\s+)?(?:commandline\\.)?(\\w+)\\s+`[^`]*\\bembed:\"\"")
)

// read returns the variables that programs read, and those that they require, from their sources in
// this module.
func read(t *testing.T, programs ...string) (known, required []string) {
	t.Helper()
	var sources []string
	shared := map[string]string{} // the fields of the flags in pkg/commandline, by type
	for _, program := range programs {
		if _, err := os.Stat(filepath.Join("../..", program)); err != nil {
			t.Skip(err)
		}
		cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-f", `{{if not .Standard}}{{range .GoFiles}}{{$.Dir}}/{{.}}{{"\n"}}{{end}}{{range .CgoFiles}}{{$.Dir}}/{{.}}{{"\n"}}{{end}}{{end}}`, "./"+program)
		cmd.Dir = "../.."
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		root, err := filepath.Abs("../..")
		if err != nil {
			t.Fatal(err)
		}
		for file := range strings.Lines(string(out)) {
			if !strings.HasPrefix(file, root+"/") {
				continue
			}
			b, err := os.ReadFile(strings.TrimSpace(file))
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(file, filepath.Join(root, "pkg/commandline")+"/") {
				for _, m := range structure.FindAllStringSubmatch(string(b), -1) {
					shared[m[1]] += m[2]
				}
				continue
			}
			sources = append(sources, string(b))
		}
	}
	// Of the flags that programs share, a program has those that it embeds.
	for i := 0; i < len(sources); i++ {
		for _, m := range embedded.FindAllStringSubmatch(sources[i], -1) {
			sources = append(sources, shared[m[1]])
			delete(shared, m[1])
		}
	}
	for _, source := range sources {
		for _, m := range tag.FindAllStringSubmatch(source, -1) {
			names := strings.Split(m[1], ",")
			known = append(known, names...)
			if strings.Contains(m[0], `required:""`) {
				required = append(required, names...)
			}
		}
		for _, m := range getenv.FindAllStringSubmatch(source, -1) {
			known = append(known, m[1])
		}
	}
	return known, required
}

// Every archive named in the template is made by scripts/deploy/build.
func TestArchives(t *testing.T) {
	t.Parallel()
	tmpl := readTemplate(t)
	out, err := exec.CommandContext(t.Context(), "./build", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\$\{ArtifactPrefix\}([a-zA-Z0-9.${}-]+?\.(?:zip|tar\.gz))`).FindAllStringSubmatch(tmpl.text, -1)
	if len(named) < 5 {
		t.Errorf("the template names %d archives", len(named))
	}
	for _, m := range named {
		for _, engine := range []string{"onnx", "tensorflow"} {
			if name := strings.ReplaceAll(m[1], "${Engine}", engine); !strings.Contains(string(out), "\n  "+name) {
				t.Errorf("scripts/deploy/build does not make %s", name)
			}
		}
	}
	for _, engine := range []string{"onnx", "tensorflow"} {
		if got := fmt.Sprint(tmpl.parameters["Engine"].(map[string]any)["AllowedValues"]); !strings.Contains(got, engine) {
			t.Errorf("the template's engines are %s", got)
		}
	}
}

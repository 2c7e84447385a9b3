package deploy_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

// Types that MiniStack's CloudFormation does not have.
var lacking = []string{
	"AWS::DataSync::LocationEFS", "AWS::DataSync::LocationS3", "AWS::DataSync::Task",
	"AWS::EC2::EgressOnlyInternetGateway", "AWS::EC2::VPCCidrBlock", "AWS::Budgets::Budget",
}

// CloudFormation, as MiniStack has it, makes the stack in each mode, but for what it lacks.
func TestStacks(t *testing.T) {
	t.Parallel()
	cf := startCloudFormation(t)
	for i, parameters := range []map[string]string{
		{"Mode": "serverless", "Engine": "onnx"},
		{"Mode": "ec2", "Engine": "tensorflow", "ThroughputMode": "bursting", "KeysParameter": "/atelier/keys"},
		{"Mode": "both", "Engine": "tensorflow", "AlarmEmail": "me@example.org", "PageOrigin": "https://example.org"},
	} {
		body, err := json.Marshal(without(readTemplate(t).whole, lacking))
		if err != nil {
			t.Fatal(err)
		}
		parameters["ArtifactBucket"], parameters["ArtifactPrefix"] = "artifacts", "v1/"
		name := fmt.Sprintf("s%d", i)
		if got := cf.create(name, body, parameters); got != "CREATE_COMPLETE" {
			t.Errorf("%v: %s", parameters, got)
		}
	}
	for _, kind := range lacking {
		body := fmt.Appendf(nil, `{"Resources": {"It": {"Type": %q, "Properties": {}}}}`, kind)
		if got := cf.create("lack-"+strings.ToLower(strings.ReplaceAll(kind, "::", "-")), body, nil); got == "CREATE_COMPLETE" {
			t.Errorf("MiniStack has %s now: take it off the list", kind)
		}
	}
}

// without is the template without resources of some types, with metric-math alarms among
// them, and without what can't be without those: routes, dependencies, references.
func without(whole map[string]any, kinds []string) map[string]any {
	resources := whole["Resources"].(map[string]any)
	gone := map[string]bool{}
	for name, r := range resources {
		m := r.(map[string]any)
		properties, _ := m["Properties"].(map[string]any)
		if slices.Contains(kinds, m["Type"].(string)) || m["Type"] == "AWS::CloudWatch::Alarm" && properties["Metrics"] != nil {
			gone[name] = true
		}
		delete(properties, "Ipv6CidrBlock") // of subnets: the VPC has none
		delete(properties, "AssignIpv6AddressOnCreation")
	}
	gone["EgressRoute"] = true // it goes to a gateway
	sub := regexp.MustCompile(`\$\{(\w+)(\.\w+)*\}`)
	var mend func(any) any
	mend = func(v any) any {
		switch v := v.(type) {
		case string:
			return sub.ReplaceAllStringFunc(v, func(s string) string {
				if gone[sub.FindStringSubmatch(s)[1]] {
					return "arn:aws:none"
				}
				return s
			})
		case []any:
			for i := range v {
				v[i] = mend(v[i])
			}
			return v
		case map[string]any:
			if name, ok := v["Ref"].(string); ok && gone[name] {
				return "arn:aws:none"
			}
			if at, ok := v["Fn::GetAtt"].([]any); ok && gone[at[0].(string)] {
				return "arn:aws:none"
			}
			if d, ok := v["DependsOn"]; ok {
				v["DependsOn"] = slices.DeleteFunc(list(d), func(name any) bool { return gone[name.(string)] })
			}
			for k := range v {
				v[k] = mend(v[k])
			}
			return v
		}
		return v
	}
	for name := range gone {
		delete(resources, name)
	}
	return mend(whole).(map[string]any)
}

// A cloudFormation is MiniStack's, which knows no signatures.
type cloudFormation struct {
	*testing.T
	address string
}

// startCloudFormation runs a MiniStack with what stacks need: a bucket with archives.
func startCloudFormation(t *testing.T) *cloudFormation {
	t.Helper()
	program := os.Getenv("ATELIER_MINISTACK")
	if testing.Short() || program == "" {
		const missing = `MiniStack is not installed: run scripts/setup, then eval "$(scripts/env)"`
		if os.Getenv("CI") != "" && !testing.Short() {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	port, err := ministack.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program) //nolint:gosec // as scripts/env says
	cmd.Env = append(ministack.Clean(os.Environ()), "BIND_HOST=127.0.0.1", fmt.Sprintf("GATEWAY_PORT=%d", port), "IOT_MTLS_ENABLED=0")
	cmd.Dir = t.TempDir()
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have died
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("MiniStack's log:\n%s", log.Bytes())
		}
	})
	cf := &cloudFormation{t, ministack.Endpoint(port)}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := ministack.WaitReady(ctx, cf.address+"/_ministack/health"); err != nil {
		t.Fatal(err)
	}
	cf.put("/artifacts", nil)
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	if _, err := z.Create("bootstrap"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"api-lambda.zip", "maintenance-lambda.zip", "worker-lambda-onnx.zip", "worker-lambda-tensorflow.zip"} {
		cf.put("/artifacts/v1/"+name, archive.Bytes())
	}
	return cf
}

func (cf *cloudFormation) put(path string, content []byte) {
	cf.Helper()
	cf.send(http.MethodPut, "s3", path, bytes.NewReader(content))
}

func (cf *cloudFormation) send(method, service, path string, body io.Reader) []byte {
	cf.Helper()
	r, err := http.NewRequestWithContext(cf.Context(), method, cf.address+path, body)
	if err != nil {
		cf.Fatal(err)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/"+ministack.Region+"/"+service+"/aws4_request, SignedHeaders=host, Signature=none")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		cf.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		cf.Fatal(err)
	}
	return b
}

// create makes a stack and returns its status at the end, with what failed, or why it was refused.
func (cf *cloudFormation) create(name string, body []byte, parameters map[string]string) string {
	cf.Helper()
	cf.put("/artifacts/"+name, body)
	form := url.Values{
		"Action": {"CreateStack"}, "Version": {"2010-05-15"}, "StackName": {name},
		"TemplateURL": {cf.address + "/artifacts/" + name}, "Capabilities.member.1": {"CAPABILITY_IAM"},
	}
	i := 0
	for k, v := range parameters {
		i++
		form.Set(fmt.Sprintf("Parameters.member.%d.ParameterKey", i), k)
		form.Set(fmt.Sprintf("Parameters.member.%d.ParameterValue", i), v)
	}
	if b := cf.send(http.MethodPost, "cloudformation", "/", strings.NewReader(form.Encode())); !bytes.Contains(b, []byte("<StackId>")) {
		return string(b)
	}
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		var described struct {
			Status string `xml:"DescribeStacksResult>Stacks>member>StackStatus"`
		}
		b := cf.send(http.MethodPost, "cloudformation", "/", strings.NewReader(url.Values{"Action": {"DescribeStacks"}, "Version": {"2010-05-15"}, "StackName": {name}}.Encode()))
		if err := xml.Unmarshal(b, &described); err != nil {
			cf.Fatalf("%v\n%s", err, b)
		}
		switch {
		case described.Status == "CREATE_COMPLETE":
			return described.Status
		case !strings.HasSuffix(described.Status, "_IN_PROGRESS"):
			events := cf.send(http.MethodPost, "cloudformation", "/", strings.NewReader(url.Values{"Action": {"DescribeStackEvents"}, "Version": {"2010-05-15"}, "StackName": {name}}.Encode()))
			return described.Status + ": " + strings.Join(regexp.MustCompile(`(?s)<ResourceStatusReason>.*?</ResourceStatusReason>`).FindAllString(string(events), -1), "\n")
		}
		select {
		case <-ticker.C:
		case <-cf.Context().Done():
			cf.Fatal(cf.Context().Err())
		}
	}
}

package deploy_test

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/deploy/deploytest"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

// MiniStack's CloudFormation makes the stack in each mode, without what it does not support.
func TestStacks(t *testing.T) {
	t.Parallel()
	cf := startCloudFormation(t)
	for i, parameters := range []map[string]string{
		{"Mode": "serverless", "Engine": "onnx"},
		{"Mode": "ec2", "Engine": "tensorflow", "ThroughputMode": "bursting", "KeysParameter": "/atelier/keys"},
		{"Mode": "both", "Engine": "tensorflow", "AlarmEmail": "me@example.org", "PageOrigin": "https://example.org"},
	} {
		body, err := deploytest.Reduction{Without: deploytest.Lacking, Lists: deploytest.LackingLists}.Apply([]byte(readTemplate(t).text))
		if err != nil {
			t.Fatal(err)
		}
		parameters["ArtifactBucket"], parameters["ArtifactPrefix"] = "artifacts", "v1/"
		name := fmt.Sprintf("s%d", i)
		if got := cf.create(name, body, parameters); got != "CREATE_COMPLETE" {
			t.Errorf("%v: %s", parameters, got)
		}
	}
	lack := func(name, body string) {
		t.Helper()
		if got := cf.create("lack-"+strings.ToLower(strings.NewReplacer("::", "-", ".", "-").Replace(name)), []byte(body), nil); got == "CREATE_COMPLETE" {
			t.Errorf("MiniStack supports %s now: remove it from the list", name)
		}
	}
	for _, name := range deploytest.Lacking {
		of, property, _ := strings.Cut(name, ".")
		properties := ""
		if property != "" {
			properties = fmt.Sprintf(`%q: [{"Id": "a", "Expression": "1"}]`, property)
		}
		lack(name, fmt.Sprintf(`{"Resources": {"It": {"Type": %q, "Properties": {%s}}}}`, of, properties))
	}
	for name := range deploytest.LackingLists {
		of, attribute, _ := strings.Cut(name, ".")
		lack(name, fmt.Sprintf(`{"Resources": {"It": {"Type": %q, "Properties": {"CidrBlock": "10.0.0.0/24"}}}, "Outputs": {"O": {"Value": {"Fn::Select": [0, {"Fn::GetAtt": ["It", %q]}]}}}}`, of, attribute))
	}
}

// A cloudFormation is that of a MiniStack that does not check signatures.
type cloudFormation struct {
	*testing.T
	address string
}

// startCloudFormation runs a MiniStack with a bucket of archives for stacks.
func startCloudFormation(t *testing.T) *cloudFormation {
	t.Helper()
	cf := &cloudFormation{t, ministacktest.StartUnlocked(t)}
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

// create makes a stack and returns its final status with the failed resources, or the reason why it
// was refused.
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

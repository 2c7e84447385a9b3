package deploy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/job"
)

// CloudFront reads only the gallery's files, and public pictures by their extensions.
func TestGallery(t *testing.T) {
	t.Parallel()
	tmpl := readTemplate(t)
	want := []string{"gallery/*", "pictures/thumbs/*.jpeg"}
	for _, format := range job.OutputFormats {
		want = append(want, "pictures/public/*."+format)
	}
	files, err := fs.Glob(api.GallerySite(), "*")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, files...)
	var got []string
	for _, s := range list(tmpl.resources["BucketPolicy"].at("PolicyDocument", "Statement")) {
		statement := s.(map[string]any)
		if statement["Effect"] != "Allow" {
			continue
		}
		if who := fmt.Sprint(statement["Principal"]); who != "map[Service:cloudfront.amazonaws.com]" || !strings.Contains(fmt.Sprint(statement["Condition"]), "${Distribution}") {
			t.Errorf("the bucket allows access by %s, with the condition %v", who, statement["Condition"])
		}
		for _, r := range list(statement["Resource"]) {
			got = append(got, strings.TrimPrefix(text(r), "arn:${AWS::Partition}:s3:::${Name}/"))
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("CloudFront may read\n%q, want\n%q", got, want)
	}

	var puts []string // the files that the maintenance function writes
	for _, p := range permissions(t, tmpl)["MaintenanceRole"] {
		if key, ok := strings.CutPrefix(p.resource, "arn:${AWS::Partition}:s3:::${Name}/"); ok && p.action == "s3:PutObject" {
			puts = append(puts, key)
		}
	}
	for _, f := range files {
		if !slices.ContainsFunc(puts, func(p string) bool {
			matches, err := path.Match(p, f)
			return err == nil && matches
		}) {
			t.Errorf("the maintenance function may not write %s", f)
		}
	}

	distribution := fmt.Sprint(tmpl.resources["Distribution"].properties)
	for _, part := range []string{"ErrorCode:403 ResponseCode:404", "OriginAccessControlId:map[Ref:OriginAccess]", "PathPattern:pictures/*", "DefaultRootObject:index.html", "EventType:viewer-response"} {
		if !strings.Contains(distribution, part) {
			t.Errorf("the distribution lacks %s", part)
		}
	}
	headers := fmt.Sprint(tmpl.resources["PictureHeaders"].properties)
	for _, part := range []string{"ContentTypeOptions:map[Override:true]", "sandbox", "max-age=3600"} {
		if !strings.Contains(headers, part) {
			t.Errorf("pictures are served without %s: %s", part, headers)
		}
	}
	for name, most := range map[string]int{"PictureCache": 3600, "PageCache": 3600} {
		if got := number(t, tmpl.resources[name].at("CachePolicyConfig", "MaxTTL")); got > most {
			t.Errorf("%s keeps an erased picture for %d s", name, got)
		}
	}
}

// Pictures are served with the content type of their extension, which DataSync does not set; no
// other object gets one.
func TestPictureType(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node: sudo apt-get install nodejs")
	}
	type headers map[string]map[string]string
	code := fmt.Sprint(readTemplate(t).resources["PictureType"].at("FunctionCode"))
	answer := func(uri string, status int) (got struct {
		StatusCode int
		Headers    headers
	}) {
		event, err := json.Marshal(map[string]any{
			"request":  map[string]any{"uri": uri},
			"response": map[string]any{"statusCode": status, "headers": headers{"content-type": {"value": "binary/octet-stream"}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), node, "-e", code+"\nconsole.log(JSON.stringify(handler("+string(event)+")))") //nolint:gosec // from the PATH
		out, err := cmd.Output()
		if err == nil {
			err = json.NewDecoder(bytes.NewReader(out)).Decode(&got)
		}
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	const other = "binary/octet-stream"
	want := map[string]string{"/pictures/public/a.html": other, "/pictures/public/jpeg": other, "/pictures/public/a.svg": other, "/pictures/a.constructor": other}
	for _, format := range job.OutputFormats {
		want["/pictures/public/2026/01/02/03/a."+format] = "image/" + format
	}
	for uri, kind := range want {
		if got := answer(uri, 200); got.Headers["content-type"]["value"] != kind || got.StatusCode != 200 {
			t.Errorf("%s: %v, want %s", uri, got, kind)
		}
	}
	if got := answer("/pictures/public/a.png", 404); got.Headers["content-type"]["value"] != other {
		t.Errorf("an error: %v", got)
	}
}

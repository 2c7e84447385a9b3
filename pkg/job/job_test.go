package job_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/atelier-go/atelier/pkg/job"
)

func TestIDsSortByAgeAndHaveTheirTime(t *testing.T) {
	before := time.Now().Truncate(time.Millisecond)
	var last job.ID
	for range 1000 {
		id, err := job.NewID()
		if err != nil {
			t.Fatal(err)
		}
		if id <= last {
			t.Fatalf("%s came after %s but sorts before it", id, last)
		}
		last = id
	}
	if got := last.Time(); got.Before(before) || got.After(time.Now().Add(time.Second)) {
		t.Errorf("the time of an id made now: %s", got)
	}
	if got := job.ID("../../etc").Time(); !got.IsZero() {
		t.Errorf("the time of no id: got %s, want the zero time", got)
	}
}

func TestParseIDAcceptsCanonicalFormOnly(t *testing.T) {
	id, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	s := string(id)
	if got, err := job.ParseID(s); err != nil || got != id {
		t.Fatalf("ParseID(%q) = %q, %v", s, got, err)
	}
	for _, bad := range []string{
		"", "x", strings.ToUpper(s), "{" + s + "}", "urn:uuid:" + s, strings.ReplaceAll(s, "-", ""), s + " ", " " + s,
		s[:14] + "4" + s[15:], // a UUIDv4
		s[:19] + "c" + s[20:], // another variant
		"../" + s, s + "/..", s[:35] + "\x00", "00000000-0000-0000-0000-000000000000",
	} {
		if _, err := job.ParseID(bad); !errors.Is(err, job.ErrBadID) {
			t.Errorf("ParseID(%q): got %v, want ErrBadID", bad, err)
		}
	}
}

func TestMessage(t *testing.T) {
	id, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	m := job.Message{Job: id, Run: 3}
	if got, want := m.Encode(), fmt.Sprintf(`{"v":1,"job":"%s","run":3}`, id); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, err := job.DecodeMessage(m.Encode()); err != nil || got != m {
		t.Errorf("got %v, %v; want %v", got, err, m)
	}
	for name, body := range map[string]string{
		"empty":         "",
		"not JSON":      "hello",
		"null":          "null",
		"a list":        "[]",
		"no version":    fmt.Sprintf(`{"job":"%s","run":1}`, id),
		"version 2":     fmt.Sprintf(`{"v":2,"job":"%s","run":1}`, id),
		"unknown field": fmt.Sprintf(`{"v":1,"job":"%s","run":1,"x":1}`, id),
		"run 0":         fmt.Sprintf(`{"v":1,"job":"%s","run":0}`, id),
		"run 1.5":       fmt.Sprintf(`{"v":1,"job":"%s","run":1.5}`, id),
		"huge run":      fmt.Sprintf(`{"v":1,"job":"%s","run":99999999999999999999}`, id),
		"a path":        `{"v":1,"job":"../../etc/passwd","run":1}`,
		"two values":    m.Encode() + m.Encode(),
		"run -1":        fmt.Sprintf(`{"v":1,"job":"%s","run":-1}`, id),
		"run as text":   fmt.Sprintf(`{"v":1,"job":"%s","run":"1"}`, id),
		"run null":      fmt.Sprintf(`{"v":1,"job":"%s","run":null}`, id),
		"no run":        fmt.Sprintf(`{"v":1,"job":"%s"}`, id),
		"no job":        `{"v":1,"run":1}`,
		"a list of one": "[" + m.Encode() + "]",
		"in quotes":     fmt.Sprintf("%q", m.Encode()),
		"in base64":     base64.StdEncoding.EncodeToString([]byte(m.Encode())),
		"cut off":       m.Encode()[:len(m.Encode())-1],
		"upper case id": fmt.Sprintf(`{"v":1,"job":"%s","run":1}`, strings.ToUpper(string(id))),
		"another UUID":  `{"v":1,"job":"6ba7b810-9dad-41d1-80b4-00c04fd430c8","run":1}`,
		"a BOM":         "\ufeff" + m.Encode(),
		"a NUL after":   m.Encode() + "\x00",
		"not UTF-8":     "{\"v\":1,\"job\":\"\xff\xfe\",\"run\":1}",
		"deep":          strings.Repeat("[", 100_000),
		"a long name":   `{"` + strings.Repeat("x", 1<<20) + `":1}`,
		"S3's test":     `{"Service":"Amazon S3","Event":"s3:TestEvent"}`,
		"from S3":       `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","s3":{"object":{"key":"a.jpg"}}}]}`,
		"from SNS":      fmt.Sprintf(`{"Type":"Notification","TopicArn":"arn:aws:sns:us-east-1:1:t","Message":%q}`, m.Encode()),
		"EventBridge":   `{"version":"0","detail-type":"Scheduled Event","source":"aws.events","detail":{}}`,
	} {
		_, err := job.DecodeMessage(body)
		if !errors.Is(err, job.ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", name, err)
		} else if len(err.Error()) > 2000 {
			t.Errorf("%s: the error is %d bytes long, which is too much for a log", name, len(err.Error()))
		}
	}
}

func FuzzDecodeMessage(f *testing.F) {
	f.Add(`{"v":1,"job":"0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f","run":1}`)
	f.Add(`{"v":1}`)
	f.Add(`{"v":1,"job":"6BA7B810-9DAD-41D1-80B4-00C04FD430C8","run":-1}`)
	f.Add(`{"Records":[{"eventSource":"aws:s3"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		m, err := job.DecodeMessage(body)
		if err != nil {
			if !errors.Is(err, job.ErrMalformed) || len(err.Error()) > 2000 {
				t.Errorf("%q: got %.2000v, want ErrMalformed, in short", body, err)
			}
			return
		}
		if _, err := job.ParseID(string(m.Job)); err != nil || m.Run < 1 {
			t.Errorf("%q was read as %v", body, m)
		}
		if again, err := job.DecodeMessage(m.Encode()); err != nil || again != m {
			t.Errorf("%q was read as %v, which is decoded differently: %v, %v", body, m, again, err)
		}
	})
}

func TestValidateReportsAllErrors(t *testing.T) {
	good := job.Spec{Strength: 0.5, Size: 1024, Format: "jpeg", Quality: 90}
	if bad := good.Validate(); bad != nil {
		t.Fatalf("a good spec: %v", bad)
	}
	worst := job.Spec{Strength: math.NaN(), Size: -1, Format: "bmp", Quality: 0}
	if got := len(worst.Validate()); got != 4 {
		t.Errorf("four fields are wrong, %d were reported", got)
	}
	for _, s := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -0.1, 1.1, math.Copysign(0, -1)} {
		spec := good
		spec.Strength = s
		if spec.Validate() == nil {
			t.Errorf("strength %v was accepted", s)
		}
	}
	for size, ok := range map[int]bool{-1: false, 0: true, 1: false, 15: false, 16: true, job.MaxSize: true, job.MaxSize + 1: false} {
		spec := good
		spec.Size = size
		if got := spec.Validate() == nil; got != ok {
			t.Errorf("size %d: got accepted %v, want %v", size, got, ok)
		}
	}
}

func TestStatesReachAnEnd(t *testing.T) {
	states := []job.State{job.Queued, job.Running, job.Succeeded, job.Failed, job.Canceled, job.Expired}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(states).Draw(t, "from")
		n := rapid.SampledFrom(states).Draw(t, "to")
		if s.Next(n) && s.Finished() && n == job.Running {
			t.Fatalf("%s changes to %s without a new run", s, n)
		}
		if s == job.Expired && s.Next(n) {
			t.Fatalf("%s can change to %s", s, n)
		}
	})
	if job.State("lost").Valid() || job.State("lost").Finished() || job.State("").Next(job.Queued) {
		t.Error("a state that is none was taken for one")
	}
}

func TestFailureOfPermanentErrorsOnly(t *testing.T) {
	if f := job.FailureOf(fmt.Errorf("decode: %w", job.ErrDamagedImage)); f == nil || f.Code != "damaged_image" {
		t.Errorf("a damaged image: got %v", f)
	}
	if f := job.FailureOf(fmt.Errorf("x: %w", &job.Failure{Code: "mine", Message: "m"})); f == nil || f.Code != "mine" {
		t.Errorf("a failure of its own: got %v", f)
	}
	for _, err := range []error{nil, errors.New("disk full"), job.ErrLeaseLost, job.ErrBusy} {
		if f := job.FailureOf(err); f != nil {
			t.Errorf("%v: got %v, want another try", err, f)
		}
	}
}

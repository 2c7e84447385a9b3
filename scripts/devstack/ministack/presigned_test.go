package ministack_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/atelier-go/atelier/pkg/bucket"
)

// A presigned link allows exactly what it was made for, from any page.
func TestPresignedLinks(t *testing.T) {
	g := start(t)
	link, err := g.bucket.Link(t.Context(), "a b/c", bucket.Link{For: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, link string, headers ...string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, link, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(b)
	}
	for _, headers := range [][]string{
		nil,
		{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate", "Referer", "http://127.0.0.1:8080/"},
		{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "image", "Origin", "http://127.0.0.1:8080"},
		{"Range", "bytes=0-"},
	} {
		if resp, body := ask(http.MethodGet, link, headers...); resp.StatusCode/100 != 2 || body != stored {
			t.Errorf("%v: %s: %q", headers, resp.Status, body)
		}
	}
	for from, want := range map[string]string{"http://127.0.0.1:8080": "http://127.0.0.1:8080", "http://evil.example": ""} {
		resp, _ := ask(http.MethodOptions, link, "Origin", from, "Access-Control-Request-Method", "GET")
		if got := resp.Header.Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("preflight from %s: %s, %q", from, resp.Status, got)
		}
	}

	signed := func(method, at, service string, secret string, when time.Time) string {
		req, err := http.NewRequestWithContext(t.Context(), method, at, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := signer().PresignHTTP(t.Context(), aws.Credentials{AccessKeyID: "test", SecretAccessKey: secret}, req, "UNSIGNED-PAYLOAD", service, "us-east-1", when)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	right := g.secret()
	object := g.Endpoint + "/atelier/a%20b/c?X-Amz-Expires=60"
	if resp, body := ask(http.MethodGet, signed(http.MethodGet, object, "s3", right, time.Now())); body != stored {
		t.Fatalf("a link made by hand: %s: %s", resp.Status, body)
	}
	other, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	other.Path = "/atelier/other"
	for name, tt := range map[string]struct{ method, link string }{
		"another secret":      {"GET", signed("GET", object, "s3", "test", time.Now())},
		"expired":             {"GET", signed("GET", object, "s3", right, time.Now().Add(-2*time.Minute))},
		"without expiry":      {"GET", signed("GET", g.Endpoint+"/atelier/a%20b/c", "s3", right, time.Now())},
		"another object":      {"GET", other.String()},
		"another method":      {"DELETE", link},
		"a write":             {"PUT", link},
		"made for deleting":   {"DELETE", signed("DELETE", object, "s3", right, time.Now())},
		"of another service":  {"POST", signed("POST", g.Endpoint+"/?Action=ListQueues&X-Amz-Expires=60", "sqs", right, time.Now())},
		"to an internal path": {"GET", signed("GET", g.Endpoint+"/_ministack/sqs/messages?X-Amz-Expires=60", "s3", right, time.Now())},
	} {
		if resp, body := ask(tt.method, tt.link); resp.StatusCode/100 != 4 || strings.Contains(body, stored) {
			t.Errorf("%s: %s: %s", name, resp.Status, body)
		}
	}
	// Unsigned headers have no effect, in a link or beside an Authorization header.
	for _, header := range [][]string{{"X-Amz-Copy-Source", "/atelier/a%20b/c"}, {"x-amz-acl", "public-read"}, {"X-Amz-Meta-X", "y"}} {
		if resp, body := ask(http.MethodPut, signed(http.MethodPut, g.Endpoint+"/atelier/copy?X-Amz-Expires=60", "s3", right, time.Now()), header...); resp.StatusCode != http.StatusForbidden {
			t.Errorf("a link, with %q: %s: %s", header, resp.Status, body)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, g.Endpoint+"/atelier/copy", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		empty := sha256.Sum256(nil)
		if err := signer().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "test", SecretAccessKey: right}, req, hex.EncodeToString(empty[:]), "s3", "us-east-1", time.Now()); err != nil {
			t.Fatal(err)
		}
		req.Header.Set(header[0], header[1])
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("a signed header, with %q: %s", header, resp.Status)
		}
	}
	if _, _, err := g.bucket.Get(t.Context(), "copy"); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("the copy: %v", err)
	}
	// A signature in the header does not give access to MiniStack's own paths either.
	for _, line := range internal[:20] {
		method, target, _ := strings.Cut(line, " ")
		req, err := http.NewRequestWithContext(t.Context(), method, g.Endpoint+target, bytes.NewReader(nil))
		if err != nil {
			t.Fatal(err)
		}
		empty := sha256.Sum256(nil)
		if err := signer().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "test", SecretAccessKey: right}, req, hex.EncodeToString(empty[:]), "s3", "us-east-1", time.Now()); err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode/100 != 4 {
			t.Errorf("%s, signed: %s", line, resp.Status)
		}
	}
	g.untouched()
}

// signer returns a new signer each time, because a signer caches keys derived from a secret by key
// id.
func signer() *v4.Signer {
	return v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
}

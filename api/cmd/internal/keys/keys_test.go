package keys_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/atelier-go/atelier/api/cmd/internal/keys"
	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/lambdatest"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

func made(t *testing.T, owner string) (key, line string) {
	t.Helper()
	h, err := keyring.NewHolder(owner, []string{"read"})
	if err != nil {
		t.Fatal(err)
	}
	return keyring.New(h)
}

// use sets the AWS settings of an environment.
func use(t *testing.T, environ []string) {
	t.Helper()
	for _, setting := range environ {
		if name, value, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, value)
		}
	}
}

func TestOpenOnMiniStack(t *testing.T) {
	locked, cfg := ministacktest.Start(t)
	use(t, locked.Environ())
	b, err := bucket.Create(t.Context(), cfg, "config")
	if err != nil {
		t.Fatal(err)
	}
	put := map[keys.Setting]func(text string){
		"s3://config/atelier/keys": func(text string) {
			if _, err := b.Put(t.Context(), "atelier/keys", bytes.NewReader([]byte(text)), bucket.Put{}); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, kind := range map[string]string{"/atelier/keys": "SecureString", "/atelier/plain": "String"} {
		put[keys.Setting("ssm:"+name)] = func(text string) { putParameter(t, cfg, name, kind, text) }
	}
	opener := keys.Opener{Getenv: os.Getenv, Log: slog.New(slog.DiscardHandler)}
	for setting, put := range put {
		t.Run(string(setting), func(t *testing.T) {
			if _, err := opener.Open(t.Context(), setting); err == nil || !strings.Contains(err.Error(), string(setting)) || !strings.Contains(err.Error(), "there is no such") {
				t.Errorf("before there is one: %v", err)
			}
			annas, anna := made(t, "anna")
			put(anna)
			ring, err := opener.Open(t.Context(), setting)
			if err != nil {
				t.Fatal(err)
			}
			if h, ok := ring.Lookup(annas); !ok || h.Owner != "anna" {
				t.Errorf("got %v, %v", h, ok)
			}
			put(anna + "\nnonsense")
			if _, err := opener.Open(t.Context(), setting); err == nil || !strings.Contains(err.Error(), "line 2") {
				t.Errorf("with a bad line: %v", err)
			}
		})
	}
}

func putParameter(t *testing.T, cfg aws.Config, name, kind, text string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"Name": name, "Type": kind, "Value": text, "Overwrite": true})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, *cfg.BaseEndpoint, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AmazonSSM.PutParameter")
	credentials, err := cfg.Credentials.Retrieve(t.Context())
	if err == nil {
		sum := sha256.Sum256(body)
		err = v4.NewSigner().SignHTTP(t.Context(), credentials, req, hex.EncodeToString(sum[:]), "ssm", cfg.Region, time.Now())
	}
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("put parameter %s: %s", name, resp.Status)
	}
}

func TestLazySendsNoRequest(t *testing.T) {
	stand := lambdatest.NewAWS(t, nil)
	use(t, stand.Environ())
	for setting, operation := range map[keys.Setting]string{"s3://config/atelier/keys": "GET /config/atelier/keys", "ssm:/atelier/keys": "AmazonSSM.GetParameter"} {
		before := len(stand.Requests())
		ring, err := keys.Opener{Getenv: os.Getenv, Log: slog.New(slog.DiscardHandler), Lazy: true}.Open(t.Context(), setting)
		if err != nil || len(stand.Requests()) != before {
			t.Fatalf("%s: %v, after %q", setting, err, stand.Requests()[before:])
		}
		if _, ok := ring.Lookup("x"); ok || ring.Status().Err == nil {
			t.Errorf("%s: S3 and SSM deny everything, but %+v", setting, ring.Status())
		}
		if got := stand.Requests()[before:]; len(got) != 1 || got[0] != operation {
			t.Errorf("%s: the requests were %q", setting, got)
		}
	}
}

func TestOpenWithoutAWS(t *testing.T) {
	annas, anna := made(t, "anna")
	bertas, berta := made(t, "berta")
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte(anna+"\n"+berta), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{"KEYS": anna + "; " + berta, "LINES": "# mine\n" + anna + "\n" + berta + "\n", "BAD": anna + ";x"}
	opener := keys.Opener{Getenv: func(name string) string { return environment[name] }, Log: slog.New(slog.DiscardHandler)}
	for _, setting := range []keys.Setting{keys.Setting(file), "env:KEYS", "env:LINES"} {
		ring, err := opener.Open(t.Context(), setting)
		if err != nil {
			t.Errorf("%s: %v", setting, err)
			continue
		}
		for _, key := range []string{annas, bertas} {
			if _, ok := ring.Lookup(key); !ok {
				t.Errorf("%s: a key is refused", setting)
			}
		}
	}
	t.Setenv("AWS_REGION", "us-east-1")
	for setting, want := range map[keys.Setting]string{
		"env:NONE": `the environment variable "NONE" is not set or empty`, "env:": "not set", "env:BAD": "line 2",
		"s3://bucket": "s3://BUCKET/KEY", "s3:///key": "s3://BUCKET/KEY", "s3://bucket/": "s3://BUCKET/KEY", "ssm:": "the parameter's name is missing",
	} {
		if _, err := opener.Open(t.Context(), setting); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), string(setting)) {
			t.Errorf("%s: got %v, want %q", setting, err, want)
		}
	}
}

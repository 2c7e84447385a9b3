package parameter_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/pkg/awsconfig"
	"github.com/atelier-go/atelier/pkg/lambdatest"
	"github.com/atelier-go/atelier/pkg/parameter"
)

// open returns a parameter of a stand-in that returns the given responses in order.
func open(t *testing.T, responses ...string) (*parameter.Parameter, *lambdatest.AWS) {
	t.Helper()
	stand := lambdatest.NewAWS(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != `{"Name":"/atelier/keys","WithDecryption":true}` || !strings.Contains(r.Header.Get("Authorization"), "/us-east-1/ssm/aws4_request") {
			t.Errorf("the request is %s, signed with %s", body, r.Header.Get("Authorization"))
		}
		next := responses[0]
		if len(responses) > 1 {
			responses = responses[1:]
		}
		if strings.Contains(next, "__type") {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, next)
	})
	for _, setting := range stand.Environ() {
		if name, value, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, value)
		}
	}
	cfg, err := awsconfig.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return parameter.New(cfg, "/atelier/keys"), stand
}

func TestRead(t *testing.T) {
	const good, throttled = `{"Parameter":{"Name":"/atelier/keys","Type":"SecureString","Value":"a\nb","Version":3}}`, `{"__type":"ThrottlingException","message":"Rate exceeded"}`
	for name, c := range map[string]struct {
		responses []string
		want      string // in the error
		requests  int
	}{
		"the value":        {[]string{good}, "", 1},
		"throttled once":   {[]string{throttled, good}, "", 2},
		"throttled always": {[]string{throttled}, "Rate exceeded", 3},
		"not there":        {[]string{`{"__type":"com.amazonaws.ssm#ParameterNotFound"}`}, "there is no such parameter in region us-east-1", 1},
		"not allowed":      {[]string{`{"__type":"AccessDeniedException","message":"not authorized to perform ssm:GetParameter"}`}, "ssm:GetParameter", 1},
		"no value":         {[]string{`{}`}, "no value", 1},
		"no JSON":          {[]string{`<html>`}, "no value", 1},
	} {
		t.Run(name, func(t *testing.T) {
			p, stand := open(t, c.responses...)
			value, err := p.Read(t.Context())
			switch {
			case c.want == "" && (err != nil || value != "a\nb"):
				t.Errorf("got %q, %v", value, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "/atelier/keys")):
				t.Errorf("got %v, want %q", err, c.want)
			}
			if name == "not there" && !errors.Is(err, parameter.ErrNotFound) {
				t.Errorf("got %v, want ErrNotFound", err)
			}
			if n := len(stand.Requests()); n != c.requests {
				t.Errorf("%d requests, want %d", n, c.requests)
			}
		})
	}
}

// A recorder is an HTTP client that sends nothing.
type recorder struct{ to string }

func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	r.to = req.URL.String()
	return nil, errors.New("offline")
}

func TestEndpoint(t *testing.T) {
	for want, env := range map[string][]string{
		"https://ssm.eu-central-1.amazonaws.com/":              {"AWS_REGION=eu-central-1"},
		"https://ssm.eu-central-1.api.aws/":                    {"AWS_REGION=eu-central-1", "AWS_USE_DUALSTACK_ENDPOINT=true"},
		"https://ssm.cn-north-1.amazonaws.com.cn/":             {"AWS_REGION=cn-north-1"},
		"https://ssm.cn-north-1.api.amazonwebservices.com.cn/": {"AWS_REGION=cn-north-1", "AWS_USE_DUALSTACK_ENDPOINT=true"},
		"http://127.0.0.1:1":                                   {"AWS_REGION=eu-central-1", "AWS_ENDPOINT_URL=http://127.0.0.1:1"},
		"http://127.0.0.1:2":                                   {"AWS_REGION=eu-central-1", "AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_ENDPOINT_URL_SSM=http://127.0.0.1:2"},
	} {
		t.Run(want, func(t *testing.T) {
			for _, setting := range os.Environ() {
				if name, _, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "AWS_") {
					t.Setenv(name, "")
				}
			}
			for _, setting := range append(env, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull) {
				name, value, _ := strings.Cut(setting, "=")
				t.Setenv(name, value)
			}
			cfg, err := awsconfig.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			to := new(recorder)
			cfg.HTTPClient = aws.HTTPClient(to)
			if _, err := parameter.New(cfg, "x").Read(t.Context()); err == nil || to.to != want {
				t.Errorf("sent to %s, %v", to.to, err)
			}
		})
	}
}

// Package parameter reads values by the operation GetParameter of the Parameter Store of AWS Systems
// Manager, or of a service with the same protocol (JSON 1.1).
//
// It uses the SDK's signer but not the SDK's client, whose tables made api-lambda 4.3 MB larger and
// took 4.5 MB more memory at every cold start, even if no keys are in a parameter. The SDK's
// configuration determines the endpoint nevertheless. Of the special kinds of endpoints, dual-stack
// is supported and FIPS is not.
package parameter

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// ErrNotFound means that there is no parameter of this name. The text of the error says what to do.
var ErrNotFound = errors.New("there is no such parameter")

// A Parameter is one parameter of type String or SecureString. It is safe for concurrent use.
type Parameter struct {
	cfg  aws.Config
	name string
}

// New returns a Parameter; it sends no request. name is a path such as /atelier/keys, or an ARN.
func New(cfg aws.Config, name string) *Parameter { return &Parameter{cfg, name} }

// Read returns the value, decrypted. Errors that may be temporary, such as throttling, are retried
// twice within a second.
func (p *Parameter) Read(ctx context.Context) (value string, err error) {
	for try := range 3 {
		if try > 0 {
			pause := time.NewTimer(time.Duration(try) * 200 * time.Millisecond)
			select {
			case <-ctx.Done():
				pause.Stop()
				return "", fmt.Errorf("get parameter %s: %w", p.name, context.Cause(ctx))
			case <-pause.C:
			}
		}
		var again bool
		if value, again, err = p.get(ctx); !again {
			break
		}
	}
	if err != nil {
		return "", fmt.Errorf("get parameter %s: %w", p.name, err)
	}
	return value, nil
}

// maxResponse limits a response, in bytes. The largest parameter has 8 KB.
const maxResponse = 256 << 10

// get sends one request. If it fails, again reports whether the request should be repeated.
func (p *Parameter) get(ctx context.Context) (value string, again bool, err error) {
	body, err := json.Marshal(map[string]any{"Name": p.name, "WithDecryption": true})
	if err != nil {
		return "", false, err
	}
	req, err := p.request(ctx, body)
	if err != nil {
		return "", false, err
	}
	client := p.cfg.HTTPClient
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", true, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse))
	if err != nil {
		return "", true, err
	}
	if resp.StatusCode != http.StatusOK {
		again, err := p.refusal(resp.StatusCode, content)
		return "", again, err
	}
	var out struct {
		Parameter struct{ Value *string }
	}
	if err := json.Unmarshal(content, &out); err != nil || out.Parameter.Value == nil {
		return "", false, errors.New("the response has no value")
	}
	return *out.Parameter.Value, false, nil
}

// request returns a signed GetParameter request.
func (p *Parameter) request(ctx context.Context, body []byte) (*http.Request, error) {
	if p.cfg.Credentials == nil {
		return nil, errors.New("there are no AWS credentials")
	}
	credentials, err := p.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	to, err := endpoint(ctx, p.cfg)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AmazonSSM.GetParameter")
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), "ssm", p.cfg.Region, time.Now()); err != nil {
		return nil, err
	}
	return req, nil
}

// refusal returns the error for a response that is not a success, and whether the request should be
// repeated.
func (p *Parameter) refusal(status int, content []byte) (again bool, err error) {
	var fault struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(content, &fault)                           // if it fails, the status is reported
	code := fault.Type[strings.LastIndexByte(fault.Type, '#')+1:] // some services add a namespace
	again = status >= 500 || code == "ThrottlingException" || code == "TooManyUpdates"
	if code == "ParameterNotFound" {
		return again, fmt.Errorf("%w in region %s: check its name and AWS_REGION, or create it: aws ssm put-parameter --type String", ErrNotFound, p.cfg.Region)
	}
	return again, fmt.Errorf("HTTP status %d: %s: %.300s", status, code, fault.Message)
}

// endpoint returns the endpoint that the configuration sets, or else that of the region.
func endpoint(ctx context.Context, cfg aws.Config) (string, error) {
	dual := false
	for _, source := range cfg.ConfigSources {
		if s, ok := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		}); ok {
			if at, found, err := s.GetServiceBaseEndpoint(ctx, "SSM"); err != nil || found {
				return at, err
			}
		}
		if s, ok := source.(interface {
			GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error)
		}); ok && !dual {
			state, _, err := s.GetUseDualStackEndpoint(ctx)
			if err != nil {
				return "", err
			}
			dual = state == aws.DualStackEndpointStateEnabled
		}
	}
	domain := "amazonaws.com"
	switch china := strings.HasPrefix(cfg.Region, "cn-"); {
	case cfg.BaseEndpoint != nil:
		return *cfg.BaseEndpoint, nil
	case dual && china:
		domain = "api.amazonwebservices.com.cn"
	case dual:
		domain = "api.aws"
	case china:
		domain = "amazonaws.com.cn"
	}
	return "https://ssm." + cfg.Region + "." + domain + "/", nil
}

// Package parameter reads parameters of AWS Systems Manager's Parameter Store, or
// anything that speaks its protocol. It is the only code that imports the SSM client.
// Where that is comes from the SDK's own settings (AWS_REGION, AWS_ENDPOINT_URL,
// credentials).
package parameter

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/atelier-go/atelier/pkg/awshttp"
)

// ErrNotFound means that there is no parameter of this name. The text of the error
// says what to do.
var ErrNotFound = errors.New("there is no such parameter")

// A Parameter is one parameter of type String or SecureString. It is safe for
// concurrent use.
type Parameter struct {
	client *ssm.Client
	name   string
}

// New sends no request. A name is a path such as /atelier/keys, or the parameter's ARN.
func New(cfg aws.Config, name string) *Parameter {
	return &Parameter{ssm.NewFromConfig(cfg, func(o *ssm.Options) { o.HTTPClient = awshttp.Whole(o.HTTPClient) }), name}
}

// Read returns the value, decrypted.
func (p *Parameter) Read(ctx context.Context) (value string, err error) {
	out, err := p.client.GetParameter(ctx, &ssm.GetParameterInput{Name: &p.name, WithDecryption: aws.Bool(true)})
	var none *types.ParameterNotFound
	switch {
	case errors.As(err, &none):
		return "", fmt.Errorf("%w as %s in region %s: check its name and AWS_REGION, or create it with: aws ssm put-parameter --type String (%w)", ErrNotFound, p.name, p.client.Options().Region, err)
	case err != nil:
		return "", fmt.Errorf("get parameter %s: %w", p.name, err)
	case out.Parameter == nil || out.Parameter.Value == nil:
		return "", fmt.Errorf("get parameter %s: the response has no value", p.name)
	}
	return *out.Parameter.Value, nil
}

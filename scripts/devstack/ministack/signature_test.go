package ministack_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/atelier-go/atelier/pkg/bucket"
)

// Requests signed with another secret are refused by every service, in the name of the root, of no
// user, of the account, and of a function, whose credentials can be computed from its name in
// MiniStack itself.
func TestSignaturesAreChecked(t *testing.T) {
	g := start(t)
	for name, c := range map[string]aws.Credentials{
		"root":           {AccessKeyID: "test", SecretAccessKey: "test"},
		"account":        {AccessKeyID: "000000000000", SecretAccessKey: "test"},
		"unknown":        {AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "test"},
		"other token":    {AccessKeyID: "test", SecretAccessKey: "test", SessionToken: "x"},
		"empty secret":   {AccessKeyID: "test", SecretAccessKey: " "},
		"predicted role": predicted("worker-lambda"),
	} {
		cfg := g.cfg.Copy()
		cfg.Credentials = credentials.StaticCredentialsProvider{Value: c}
		cfg.RetryMaxAttempts = 1
		for service, call := range map[string]func(context.Context) error{
			"sqs": func(ctx context.Context) error {
				_, err := sqs.NewFromConfig(cfg).PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: aws.String(g.queue.URL())})
				return err
			},
			"s3": func(ctx context.Context) error { return bucket.New(cfg, "atelier").Delete(ctx, "a b/c") },
			"lambda": func(ctx context.Context) error {
				_, err := lambda.NewFromConfig(cfg).ListFunctions(ctx, nil)
				return err
			},
			"iam": func(ctx context.Context) error {
				_, err := iam.NewFromConfig(cfg).ListRoles(ctx, nil)
				return err
			},
			"apigateway": func(ctx context.Context) error {
				_, err := apigatewayv2.NewFromConfig(cfg).GetApis(ctx, nil)
				return err
			},
		} {
			var refused interface{ HTTPStatusCode() int }
			if err := call(t.Context()); !errors.As(err, &refused) && !errors.Is(err, bucket.ErrDenied) || refused != nil && refused.HTTPStatusCode() != http.StatusForbidden {
				t.Errorf("%s, %s: %v", name, service, err)
			}
		}
	}
	g.untouched()
}

// predicted returns the credentials that MiniStack itself gives to a function.
func predicted(name string) aws.Credentials {
	sum := func(s string) string {
		b := sha256.Sum256([]byte(s))
		return hex.EncodeToString(b[:])
	}
	digest := sum("arn:aws:lambda:us-east-1:000000000000:function:" + name + ":arn:aws:iam::000000000000:role/" + name)
	return aws.Credentials{AccessKeyID: "ASIA" + strings.ToUpper(digest[:16]), SecretAccessKey: sum("secret:" + digest), SessionToken: sum("token:" + digest)}
}

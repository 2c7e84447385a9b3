// Package bucket stores objects in Amazon S3, or a service with the same protocol. It is the only
// package that imports the S3 client. The SDK's own settings (AWS_REGION, AWS_ENDPOINT_URL,
// credentials) determine where S3 is, so that an emulator is only another endpoint.
//
// The project relies on these properties, which buckettest checks for every backend:
//
//   - Writes are atomic, and a read after a successful write or delete sees it.
//   - A conditional write ([Object.ETag]) happens only if its condition holds.
//   - A link with a wrong signature, or after its time, gives no access.
//   - A link for writing stores one object of the declared length, once.
package bucket

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkhttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/atelier-go/atelier/pkg/awshttp"
)

// The kinds of this package's errors, for [errors.Is]. Only the error of a canceled context is of
// none of them. The texts of the errors say what to do.
var (
	// ErrNoBucket means that there is no bucket of this name.
	ErrNoBucket = errors.New("there is no such bucket")
	// ErrNotFound means that there is no object with this key.
	ErrNotFound = errors.New("there is no such object")
	// ErrDenied means that the credentials are invalid, or don't allow this operation.
	ErrDenied = errors.New("S3 denied access")
	// ErrChanged means that the condition of a write does not hold.
	ErrChanged = errors.New("the object has changed")
	// ErrUnavailable means that S3 does not respond, or can't serve the request at the moment. A
	// write may or may not have happened.
	ErrUnavailable = errors.New("S3 is unavailable")
	// ErrNotDeleted means that S3 served a request to delete objects, but did not delete one of them
	// for a reason that is none of the other kinds. It may be temporary, so the error is an
	// ErrUnavailable as well.
	ErrNotDeleted = errors.New("S3 could not delete an object")
)

// A Bucket is a connection to one bucket. It is safe for concurrent use.
type Bucket struct {
	client *s3.Client
	signer *s3.PresignClient
	name   string
}

// New returns a Bucket. It sends no request; see [Bucket.Check].
func New(cfg aws.Config, name string) *Bucket {
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		// An emulator can't be reached by a host name per bucket.
		o.UsePathStyle = o.BaseEndpoint != nil
		o.HTTPClient = awshttp.WithoutResends(o.HTTPClient)
		// The SDK would log to standard error about connections that a canceled request leaves;
		// what matters is in the errors.
		o.Logger = logging.Nop{}
	})
	return &Bucket{client, s3.NewPresignClient(client), name}
}

// Name returns the bucket's name.
func (b *Bucket) Name() string { return b.name }

// Check asks S3 whether the bucket exists and may be used.
func (b *Bucket) Check(ctx context.Context) error {
	if _, err := b.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.name}); err != nil {
		err = b.explain(err)
		if errors.Is(err, ErrNotFound) { // a response to HEAD has no body with the error code
			err = b.noBucket(err)
		}
		return fmt.Errorf("check bucket %s: %w", b.name, err)
	}
	return nil
}

// meanings maps S3's error codes. Responses to HEAD have no code; the SDK derives one from the
// status.
var meanings = map[string]error{
	"NoSuchKey": ErrNotFound, "NotFound": ErrNotFound,
	"AccessDenied": ErrDenied, "Forbidden": ErrDenied, "InvalidAccessKeyId": ErrDenied, "SignatureDoesNotMatch": ErrDenied,
	"ExpiredToken": ErrDenied, "InvalidToken": ErrDenied,
	"PreconditionFailed": ErrChanged, "ConditionalRequestConflict": ErrChanged,
	"SlowDown": ErrUnavailable, "RequestTimeout": ErrUnavailable,
}

// explain wraps an error of the SDK with its meaning.
func (b *Bucket) explain(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	var api smithy.APIError
	var answer *sdkhttp.ResponseError
	switch {
	case errors.As(err, &api) && api.ErrorCode() == "NoSuchBucket":
		return b.noBucket(err)
	case errors.As(err, &api) && meanings[api.ErrorCode()] != nil:
		return fmt.Errorf("%w: %w", meanings[api.ErrorCode()], err)
	case errors.As(err, &answer) && answer.HTTPStatusCode()/100 == 4: // 0 without a response
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// noBucket returns ErrNoBucket with advice. Usually the name is right, and the region or the
// endpoint is wrong.
func (b *Bucket) noBucket(err error) error {
	where := "region " + b.client.Options().Region
	if at := aws.ToString(b.client.Options().BaseEndpoint); at != "" {
		where += " at " + at
	}
	return fmt.Errorf("%w in %s: check the bucket's name, AWS_REGION and AWS_ENDPOINT_URL, or create it with the deployment's template (%w)", ErrNoBucket, where, err)
}

// nonEmpty returns a pointer to s, or nil if it is empty, as the SDK's optional fields have it.
func nonEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Package bucket keeps objects in Amazon S3, or anything that speaks its
// protocol. It is the only code that imports the S3 client. Where S3 is comes
// from the SDK's own settings (AWS_REGION, AWS_ENDPOINT_URL, credentials), so
// that an emulator is only another endpoint.
//
// What the project relies on, and buckettest holds every backend to:
//
//   - An object is whole or not there, and who reads after a write or a delete
//     has succeeded sees it.
//   - A write with a condition ([Object.ETag]) happens only where that holds.
//   - Nobody opens a link with a wrong signature or after its time.
//   - With a link for writing, one object of the declared length is stored, once.
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

// What an error of this package can mean, beside a canceled context. Its text
// says what to do.
var (
	// ErrNoBucket: there is no bucket of this name.
	ErrNoBucket = errors.New("there is no such bucket")
	// ErrNotFound: there is no object under this key.
	ErrNotFound = errors.New("there is no such object")
	// ErrDenied: the credentials are wrong, or don't allow this.
	ErrDenied = errors.New("S3 denies it")
	// ErrChanged: the condition of a write does not hold.
	ErrChanged = errors.New("the object has changed")
	// ErrAway: S3 does not answer, or can't at the moment. Whether a write has
	// happened is unknown.
	ErrAway = errors.New("S3 is away")
)

// A Bucket is a connection to one bucket. It is safe for concurrent use.
type Bucket struct {
	client *s3.Client
	signer *s3.PresignClient
	name   string
}

// New connects to a bucket. It asks nothing: see [Bucket.Check].
func New(cfg aws.Config, name string) *Bucket {
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		// An emulator is not found under a name for each bucket.
		o.UsePathStyle = o.BaseEndpoint != nil
		o.HTTPClient = awshttp.Whole(o.HTTPClient)
		// It would write to standard error about connections that a canceled request
		// leaves; what matters is in the errors.
		o.Logger = logging.Nop{}
	})
	return &Bucket{client, s3.NewPresignClient(client), name}
}

// Name is the bucket's name.
func (b *Bucket) Name() string { return b.name }

// Check asks S3 whether the bucket is there and may be used.
func (b *Bucket) Check(ctx context.Context) error {
	if _, err := b.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.name}); err != nil {
		err = b.explain(err)
		if errors.Is(err, ErrNotFound) { // the answer to HEAD has no body to tell
			err = b.noBucket(err)
		}
		return fmt.Errorf("check bucket %s: %w", b.name, err)
	}
	return nil
}

// meanings are S3's error codes. HEAD answers have none, so that the SDK makes
// one of the status.
var meanings = map[string]error{
	"NoSuchKey": ErrNotFound, "NotFound": ErrNotFound,
	"AccessDenied": ErrDenied, "Forbidden": ErrDenied, "InvalidAccessKeyId": ErrDenied, "SignatureDoesNotMatch": ErrDenied,
	"ExpiredToken": ErrDenied, "InvalidToken": ErrDenied,
	"PreconditionFailed": ErrChanged, "ConditionalRequestConflict": ErrChanged,
	"SlowDown": ErrAway, "RequestTimeout": ErrAway,
}

// explain says what an error of the SDK means.
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
	case errors.As(err, &answer) && answer.HTTPStatusCode()/100 == 4: // 0 without an answer
		return err
	}
	return fmt.Errorf("%w: %w", ErrAway, err)
}

// noBucket says what to do: usually the name is right and the region or the
// endpoint is not.
func (b *Bucket) noBucket(err error) error {
	where := "region " + b.client.Options().Region
	if at := aws.ToString(b.client.Options().BaseEndpoint); at != "" {
		where += " at " + at
	}
	return fmt.Errorf("%w in %s: check the bucket's name, AWS_REGION and AWS_ENDPOINT_URL, or create it with the deployment's template (%w)", ErrNoBucket, where, err)
}

package bucket

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Create makes the bucket, for local stacks and tests; in the cloud the
// deployment's template does this. Pages of the given origins may read what the
// links to it open, and use those of [Bucket.PutLink]. A bucket of one's own that exists already is no error.
func Create(ctx context.Context, cfg aws.Config, name string, origins ...string) (*Bucket, error) {
	b := New(cfg, name)
	in := &s3.CreateBucketInput{Bucket: &name}
	if region := cfg.Region; region != "us-east-1" { // which S3 does not want to be told
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	_, err := b.client.CreateBucket(ctx, in)
	if owned := (*types.BucketAlreadyOwnedByYou)(nil); errors.As(err, &owned) {
		err = nil
	}
	if err == nil && len(origins) > 0 {
		_, err = b.client.PutBucketCors(ctx, &s3.PutBucketCorsInput{Bucket: &name, CORSConfiguration: &types.CORSConfiguration{
			CORSRules: []types.CORSRule{{
				AllowedOrigins: origins, AllowedMethods: []string{"GET", "PUT"}, AllowedHeaders: []string{"content-type", "if-none-match"},
				ExposeHeaders: []string{"Content-Length", "Content-Range", "ETag"}, MaxAgeSeconds: aws.Int32(3600),
			}},
		}})
	}
	if err != nil {
		return nil, fmt.Errorf("create bucket %s: %w", name, b.explain(err))
	}
	return b, nil
}

package bucket

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Create creates the bucket for local stacks and tests; on AWS the deployment's template creates it.
// Pages of the given origins may read objects through links, and use the links of [Bucket.PutLink].
// It is no error if the caller's bucket exists already.
func Create(ctx context.Context, cfg aws.Config, name string, origins ...string) (*Bucket, error) {
	b := New(cfg, name)
	in := &s3.CreateBucketInput{Bucket: &name}
	if region := cfg.Region; region != "us-east-1" { // S3 does not accept the default region here
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	_, err := b.client.CreateBucket(ctx, in)
	if _, ok := errors.AsType[*types.BucketAlreadyOwnedByYou](err); ok {
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

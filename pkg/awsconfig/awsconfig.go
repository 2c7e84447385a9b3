// Package awsconfig loads the AWS SDK's configuration for the programs: credentials, endpoint and
// region from the environment, the shared configuration files or, on EC2, the instance metadata
// service.
package awsconfig

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

// metadataTime bounds the requests to the instance metadata service, which responds in milliseconds
// if it exists.
const metadataTime = 2 * time.Second

// Load returns the configuration, always with a region. If no region is set, Load asks the metadata
// service of the EC2 instance (IMDSv2) for it. Without a response within two seconds Load returns an
// error that tells the user to set AWS_REGION.
// AWS_EC2_METADATA_DISABLED=true prevents the request. No other request is sent.
func Load(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return aws.Config{}, fmt.Errorf("load the AWS configuration: %w", err)
	}
	if cfg.Region != "" {
		return cfg, nil
	}
	ctx, cancel := context.WithTimeout(ctx, metadataTime)
	defer cancel()
	client := imds.NewFromConfig(cfg, func(o *imds.Options) {
		o.EnableFallback = aws.FalseTernary // IMDSv1
		o.Retryer = retry.AddWithMaxAttempts(retry.NewStandard(), 2)
	})
	out, err := client.GetRegion(ctx, nil)
	if err != nil {
		return aws.Config{}, fmt.Errorf("there is no AWS region: set AWS_REGION, or region in the AWS configuration file; the EC2 instance metadata service, which has it on EC2, did not return one (%w)", err)
	}
	cfg.Region = out.Region
	return cfg, nil
}

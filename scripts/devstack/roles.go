package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

const (
	queueARN  = "arn:aws:sqs:" + ministack.Region + ":" + ministack.Account + ":" + queueName
	bucketARN = "arn:aws:s3:::" + bucketName
)

// permissions are the permissions of each function on the queues and the bucket: the event source
// mapping receives and deletes with the worker's role, and the sweeper sends lost messages again,
// reads dead letters and erases. Without s3:ListBucket a missing object is reported as forbidden.
var permissions = map[string][]statement{
	apiFunction: {
		allow(queueARN, "sqs", "GetQueueUrl", "GetQueueAttributes", "SendMessage"),
		allow(bucketARN, "s3", "ListBucket"),
		allow(bucketARN+"/pictures/*", "s3", "GetObject", "PutObject", "DeleteObject"),
		allow(bucketARN+"/gallery/*", "s3", "GetObject", "PutObject"),
		allow(bucketARN+"/uploads/*", "s3", "GetObject", "PutObject", "DeleteObject"), // PutObject is for the links that it signs for clients
	},
	workerFunction: {
		allow(queueARN, "sqs", "GetQueueUrl", "GetQueueAttributes", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"),
	},
	// On AWS also datasync:DescribeTask, StartTaskExecution, DescribeTaskExecution and
	// CancelTaskExecution, and iam:PassRole for the role that reads manifests.
	maintenanceFunction: append([]statement{
		allow(queueARN, "sqs", "GetQueueUrl", "GetQueueAttributes", "SendMessage", "SendMessageBatch"), // on AWS SendMessage allows both
		allow(queueARN+"-dead", "sqs", "GetQueueUrl", "ReceiveMessage", "DeleteMessage"),
		allow(bucketARN, "s3", "ListBucket"),
		allow(bucketARN+"/pictures/*", "s3", "DeleteObject"),
		allow(bucketARN+"/gallery/*", "s3", "GetObject", "PutObject", "DeleteObject"),
		allow(bucketARN+"/datasync/*", "s3", "GetObject", "PutObject"),
	}, putPage()...),
}

// putPage allows to store the gallery's page.
func putPage() (all []statement) {
	for _, name := range pageFiles() {
		all = append(all, allow(bucketARN+"/"+name, "s3", "PutObject"))
	}
	return all
}

func allow(resource, service string, actions ...string) statement {
	s := statement{Effect: "Allow", Resource: resource}
	for _, a := range actions {
		s.Action = append(s.Action, service+":"+a)
	}
	return s
}

type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Effect    string
	Principal map[string]string `json:",omitempty"`
	Action    []string
	Resource  string `json:",omitempty"`
}

// makeRoles makes a role for each function, with the function's name.
func makeRoles(ctx context.Context, cfg aws.Config) error {
	client := iam.NewFromConfig(cfg)
	trust, err := json.Marshal(policy{"2012-10-17", []statement{{
		Effect: "Allow", Principal: map[string]string{"Service": "lambda.amazonaws.com"}, Action: []string{"sts:AssumeRole"},
	}}})
	if err != nil {
		return err
	}
	for name, statements := range permissions {
		_, err := client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(string(trust))})
		if err != nil {
			return fmt.Errorf("make the role of %s: %w", name, err)
		}
		may, err := json.Marshal(policy{"2012-10-17", statements})
		if err != nil {
			return err
		}
		_, err = client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("atelier"), PolicyDocument: aws.String(string(may))})
		if err != nil {
			return fmt.Errorf("make the role of %s: %w", name, err)
		}
	}
	return nil
}

package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

const queueARN = "arn:aws:sqs:" + ministack.Region + ":" + ministack.Account + ":" + queueName

// permissions are what each function may do with the queues, and no more: the
// event source mapping receives and deletes in the function's name, and the
// sweeper sends again what is lost, and reads what is dead.
var permissions = map[string][]statement{
	apiFunction: {allow(queueARN, "GetQueueUrl", "GetQueueAttributes", "SendMessage")},
	workerFunction: {
		allow(queueARN, "GetQueueUrl", "GetQueueAttributes", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility",
			"SendMessage", "SendMessageBatch"), // on AWS the first is both
		allow(queueARN+"-dead", "GetQueueUrl", "ReceiveMessage", "DeleteMessage"),
	},
}

func allow(queue string, actions ...string) statement {
	s := statement{Effect: "Allow", Resource: queue}
	for _, a := range actions {
		s.Action = append(s.Action, "sqs:"+a)
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

// makeRoles makes a role for each function, called as the function is.
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
		_, err = client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("queue"), PolicyDocument: aws.String(string(may))})
		if err != nil {
			return fmt.Errorf("make the role of %s: %w", name, err)
		}
	}
	return nil
}

package deploy_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A permission is one action on one resource.
type permission struct {
	action, resource, condition string
}

// permissions returns the permissions of each role in the template, including managed policies.
func permissions(t *testing.T, tmpl template) map[string][]permission {
	t.Helper()
	found := map[string][]permission{}
	for name, r := range tmpl.of("AWS::IAM::Role") {
		for _, p := range list(r.at("Policies")) {
			found[name] = append(found[name], allowed(p.(map[string]any)["PolicyDocument"])...)
		}
		for _, p := range list(r.at("ManagedPolicyArns")) {
			ref, _ := p.(map[string]any)["Ref"].(string)
			policy, ok := tmpl.resources[ref]
			if !ok {
				t.Errorf("%s has a policy that is not in the template: %v", name, p)
				continue
			}
			found[name] = append(found[name], allowed(policy.at("PolicyDocument"))...)
		}
	}
	return found
}

// allowed returns the permissions of a policy document, with both branches of its conditions.
func allowed(document any) []permission {
	var found []permission
	m, _ := document.(map[string]any)
	statements := list(m["Statement"])
	for len(statements) > 0 {
		statement := statements[0].(map[string]any)
		statements = statements[1:]
		if branches, ok := statement["Fn::If"]; ok {
			statements = append(statements, list(branches)[1:]...)
			continue
		}
		if statement["Effect"] != "Allow" {
			continue
		}
		for _, action := range list(statement["Action"]) {
			for _, r := range list(statement["Resource"]) {
				found = append(found, permission{fmt.Sprint(action), text(r), fmt.Sprint(statement["Condition"])})
			}
		}
	}
	return found
}

// ownSide has the reasons for actions that MiniStack does not check, because AWS's own services use
// them. Other actions are in needs.
var ownSide = map[string]string{
	"WorkerRole sqs:GetQueueAttributes": "Lambda receives messages from the queue with the role",
	"WorkerRole sqs:ReceiveMessage":     "Lambda receives messages from the queue with the role",
	"WorkerRole sqs:DeleteMessage":      "Lambda receives messages from the queue with the role",

	"ApiRole s3:ListBucket": "without it S3 returns 403 instead of 404 for a missing object; MiniStack does not",

	"CopyTargetRole s3:ListBucket":   "DataSync writes to S3",
	"CopyTargetRole s3:GetObject":    "DataSync reads a manifest, and writes to S3",
	"CopyTargetRole s3:PutObject":    "DataSync writes to S3",
	"CopyTargetRole s3:DeleteObject": "DataSync writes to S3",

	"logs:CreateLogStream": "Lambda writes a function's log with its role",
	"logs:PutLogEvents":    "Lambda writes a function's log with its role",

	"ec2:CreateNetworkInterface":     "Lambda puts a function into a VPC",
	"ec2:DescribeNetworkInterfaces":  "Lambda puts a function into a VPC",
	"ec2:DescribeSubnets":            "Lambda puts a function into a VPC",
	"ec2:DeleteNetworkInterface":     "Lambda removes a function from a VPC",
	"ec2:AssignPrivateIpAddresses":   "Lambda puts a function into a VPC",
	"ec2:UnassignPrivateIpAddresses": "Lambda removes a function from a VPC",

	"elasticfilesystem:ClientMount": "EFS requires it for a mount with IAM",
	"elasticfilesystem:ClientWrite": "EFS requires it for a mount with IAM",

	"lambda:InvokeFunction": "Scheduler calls the maintenance function",

	"datasync:DescribeTask":          "the maintenance function checks whether a copy is running",
	"datasync:StartTaskExecution":    "the maintenance function starts copies",
	"datasync:DescribeTaskExecution": "the maintenance function checks how a copy ended",
	"datasync:CancelTaskExecution":   "the maintenance function cancels a copy that does not end",
	"iam:PassRole":                   "DataSync reads a manifest with that role",

	"s3:GetObjectVersion":           "DataSync reads a manifest, and writes to S3",
	"s3:GetObjectVersionTagging":    "DataSync writes to S3",
	"s3:GetBucketLocation":          "DataSync writes to S3",
	"s3:ListBucketMultipartUploads": "DataSync writes to S3",
	"s3:AbortMultipartUpload":       "DataSync writes to S3",
	"s3:ListMultipartUploadParts":   "DataSync writes to S3",
	"s3:GetObjectTagging":           "DataSync writes to S3",
	"s3:PutObjectTagging":           "DataSync writes to S3",
}

// reason returns why a policy has an action: the use that fails without it, or the AWS service that
// needs it.
func reason(policy, action string) string {
	for key, use := range needs {
		if strings.HasPrefix(key, policy+" "+action+" ") {
			return use
		}
	}
	return cmp.Or(ownSide[policy+" "+action], ownSide[action])
}

// Every action has a reason, and every reason an action.
func TestActions(t *testing.T) {
	t.Parallel()
	tmpl := readTemplate(t)
	used := map[string]bool{}
	check := func(policy string, document any) {
		for _, p := range allowed(document) {
			used[p.action], used[policy+" "+p.action] = true, true
			service, _, _ := strings.Cut(p.action, ":")
			if reason(policy, p.action) == "" {
				t.Errorf("%s allows %s: add the reason to needs or ownSide", policy, p.action)
			}
			if strings.Contains(p.action, "*") {
				t.Errorf("%s allows %s: list the actions", policy, p.action)
			}
			if p.resource == "*" && service != "ec2" {
				t.Errorf("%s allows %s on everything", policy, p.action)
			}
		}
	}
	for name, r := range tmpl.of("AWS::IAM::Role") {
		for _, p := range list(r.at("Policies")) {
			check(name, p.(map[string]any)["PolicyDocument"])
		}
	}
	for name, r := range tmpl.of("AWS::IAM::ManagedPolicy") {
		check(name, r.at("PolicyDocument"))
	}
	for _, action := range slices.Sorted(maps.Keys(ownSide)) {
		if !used[action] {
			t.Errorf("no policy allows %s any more", action)
		}
	}
}

// A role that an AWS service assumes is restricted to requests of this account.
func TestTrust(t *testing.T) {
	t.Parallel()
	tmpl := readTemplate(t)
	for name, r := range tmpl.of("AWS::IAM::Role") {
		trust := fmt.Sprint(r.at("AssumeRolePolicyDocument"))
		if strings.Contains(trust, "lambda.amazonaws.com") || strings.Contains(trust, "ec2.amazonaws.com") {
			continue // only with iam:PassRole
		}
		if !strings.Contains(trust, "aws:SourceAccount") || !strings.Contains(trust, "aws:SourceArn") {
			t.Errorf("%s: %s", name, trust)
		}
	}
	// The ARN contains the account. A condition on aws:SourceAccount would add nothing, and
	// EventBridge is not documented to pass that key to functions: without it the permission would
	// never apply.
	for name, r := range tmpl.of("AWS::Lambda::Permission") {
		arn := text(r.at("SourceArn"))
		if attribute := list(r.at("SourceArn", "Fn::GetAtt")); len(attribute) == 2 {
			arn = "${AWS::AccountId}" // of a resource of this stack
		}
		if !strings.Contains(arn, "${AWS::AccountId}") || r.at("SourceAccount") != nil {
			t.Errorf("%s: from %s of account %v; want an ARN of this account only", name, arn, r.at("SourceAccount"))
		}
	}
}

// The template gives no access to private pictures, which only their owners get, with links signed
// by the API.
func TestPrivatePictures(t *testing.T) {
	t.Parallel()
	if tmpl := readTemplate(t); strings.Contains(tmpl.text, "pictures/private") {
		t.Error("the template mentions private pictures: only signed links and erasures may access them")
	}
}

// A function has at least the permissions that it has in the local stack, where its tests pass.
func TestRoles(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../devstack/roles.go")
	if err != nil {
		t.Fatal(err)
	}
	source := string(b)
	if !strings.Contains(source, "maintenanceFunction") {
		t.Skip("the local stack has no maintenance function")
	}
	given := permissions(t, readTemplate(t))
	calls := regexp.MustCompile(`allow\((\w+)(?:\+"([^"]*)")?, "(\w+)"((?:,\s*"\w+")+)\)`)
	action := regexp.MustCompile(`"(\w+)"`)
	for function, role := range map[string]string{"apiFunction": "ApiRole", "workerFunction": "WorkerRole", "maintenanceFunction": "MaintenanceRole"} {
		_, text, found := strings.Cut(source, "\n\t"+function+": ")
		text, _, ended := strings.Cut(text, "\n\t}")
		all := calls.FindAllStringSubmatch(text, -1)
		if !found || !ended || len(all) == 0 {
			t.Errorf("roles.go has no permissions for %s", function)
		}
		for _, m := range all {
			want := map[string]string{"queueARN": "map[Fn::GetAtt:[Queue Arn]]", "queueARN-dead": "map[Fn::GetAtt:[DeadLetters Arn]]"}[m[1]+m[2]]
			if m[1] == "bucketARN" {
				want = "arn:${AWS::Partition}:s3:::${Name}" + m[2]
			}
			for _, a := range action.FindAllStringSubmatch(m[4], -1) {
				// On AWS SendMessage includes both actions. The template's functions have the
				// queue's URL, those of the local stack only its name.
				if a[1] == "SendMessageBatch" || m[1]+m[2] == "queueARN" && a[1] == "GetQueueUrl" {
					continue
				}
				if !slices.ContainsFunc(given[role], func(p permission) bool { return p.action == m[3]+":"+a[1] && p.resource == want }) {
					t.Errorf("%s may not %s:%s on %s, which %s may on the local stack", role, m[3], a[1], want, function)
				}
			}
		}
	}
}

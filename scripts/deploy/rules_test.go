package deploy_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/gallery"
)

// SQS requires a visibility timeout of six times the function's timeout; otherwise messages are
// received again while they are being processed.
func TestVisibility(t *testing.T) {
	t.Parallel()
	tmpl := readTemplate(t)
	visibility, timeout := number(t, tmpl.resources["Queue"].at("VisibilityTimeout")), number(t, tmpl.resources["WorkerFunction"].at("Timeout"))
	if visibility != 6*timeout {
		t.Errorf("the visibility timeout is %d s, and the function may take %d s: want six times as much", visibility, timeout)
	}
	redrive := tmpl.resources["Queue"].at("RedrivePolicy")
	if got := fmt.Sprint(redrive); !strings.Contains(got, "maxReceiveCount:10") || !strings.Contains(got, "DeadLetters Arn") {
		t.Errorf("the queue's dead letters: %s", got)
	}
	if got := number(t, tmpl.resources["DeadLetters"].at("MessageRetentionPeriod")); got != 14*24*3600 {
		t.Errorf("dead letters are kept for %d s", got)
	}
	mapping := tmpl.resources["WorkerMapping"]
	if got := fmt.Sprint(mapping.at("FunctionResponseTypes")); got != "[ReportBatchItemFailures]" {
		t.Errorf("the mapping has %s: a failed job would also fail the others in its batch", got)
	}
	if got := fmt.Sprint(mapping.at("Enabled"), mapping.at("ScalingConfig")); got != "map[Ref:MappingEnabled] map[MaximumConcurrency:map[Ref:MaximumConcurrency]]" {
		t.Errorf("the mapping: %s", got)
	}
	if got := fmt.Sprint(tmpl.parameters["MappingEnabled"].(map[string]any)["Default"]); got != "false" {
		t.Errorf("the mapping is %s by default: it must be disabled until keys and payload are in place", got)
	}
}

// Schedules are not below the minimum interval of their service, which cfn-lint does not check.
func TestSchedules(t *testing.T) {
	t.Parallel()
	least := map[string]time.Duration{"AWS::Scheduler::Schedule": time.Minute, "AWS::Events::Rule": time.Minute, "AWS::DataSync::Task": time.Hour}
	units := map[string]time.Duration{"minute": time.Minute, "minutes": time.Minute, "hour": time.Hour, "hours": time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour}
	rate := regexp.MustCompile(`ScheduleExpression:rate\((\d+) (\w+)\)`)
	found := 0
	for name, r := range readTemplate(t).resources {
		m := rate.FindStringSubmatch(fmt.Sprint(r.properties))
		if m == nil {
			continue
		}
		found++
		limit, ok := least[r.kind]
		if every := time.Duration(number(t, m[1])) * units[m[2]]; !ok || every < limit || (m[1] == "1") == strings.HasSuffix(m[2], "s") {
			t.Errorf("%s: rate(%s %s): want one that %s allows, at least %v", name, m[1], m[2], r.kind, limit)
		}
		if r.kind == "AWS::Scheduler::Schedule" && r.at("Target", "Input") == nil {
			t.Errorf("%s has no input, and Scheduler sends none of its own", name)
		}
	}
	if found == 0 {
		t.Error("there is no schedule for sweeps")
	}
}

// Sweeps are created after everything that takes long or may fail, so that a failed deployment
// leaves no data, and deleted before the rest.
func TestSweepsComeLast(t *testing.T) {
	t.Parallel()
	after := readTemplate(t).resources["SweepClock"].after
	for _, name := range []string{"BucketPolicy", "ApiStage", "CopyEndedPermission"} { // BucketPolicy depends on the distribution
		if !slices.Contains(after, name) {
			t.Errorf("the schedule may run before %s exists: %v", name, after)
		}
	}
}

// Functions have logs with a retention, the network, the shared directory, and no reserved
// concurrency.
func TestFunctions(t *testing.T) {
	t.Parallel()
	tmpl := readTemplate(t)
	functions := tmpl.of("AWS::Lambda::Function")
	if len(functions) != 3 {
		t.Errorf("%d functions", len(functions))
	}
	for name, f := range functions {
		log, _ := f.at("LoggingConfig", "LogGroup").(map[string]any)
		group, _ := log["Ref"].(string)
		if tmpl.resources[group].at("RetentionInDays") == nil {
			t.Errorf("%s has no log group with a retention", name)
		}
		for key, want := range map[string]string{
			"Runtime": "provided.al2023", "Architectures": "[x86_64]", "ReservedConcurrentExecutions": "<nil>",
			"FileSystemConfigs": "[map[Arn:map[Fn::GetAtt:[SharedDirectory Arn]] LocalMountPath:/mnt/atelier]]",
		} {
			if got := fmt.Sprint(f.at(key)); got != want {
				t.Errorf("%s: %s is %s, want %s", name, key, got, want)
			}
		}
		if got := fmt.Sprint(f.at("VpcConfig", "Ipv6AllowedForDualStack")); got != "true" {
			t.Errorf("%s may not use IPv6, which is its only connection", name)
		}
	}
	for name, r := range tmpl.of("AWS::Logs::LogGroup") {
		if r.at("RetentionInDays") == nil {
			t.Errorf("%s has no retention", name)
		}
	}
}

// The directory and the bucket are kept when the stack is deleted, unless their creation failed.
func TestDataIsKept(t *testing.T) {
	t.Parallel()
	tmpl := readTemplate(t)
	for _, name := range []string{"FileSystem", "Bucket"} {
		if r := tmpl.resources[name]; r.deletion != "RetainExceptOnCreate" || r.replace != "Retain" || r.condition == "" {
			t.Errorf("%s: deletion %q, replacement %q, condition %q", name, r.deletion, r.replace, r.condition)
		}
	}
	rules := fmt.Sprint(tmpl.resources["Bucket"].at("LifecycleConfiguration", "Rules"))
	for _, want := range []string{"ExpirationInDays:1 Id:uploads Prefix:uploads/", "ExpirationInDays:7 Id:manifests of copies Prefix:datasync/", "NoncurrentDays:1", "DaysAfterInitiation:1"} {
		if !strings.Contains(rules, want) {
			t.Errorf("the bucket's lifecycle lacks %s: %s", want, rules)
		}
	}
}

// The page downloads results from the bucket with signed links, and uploads to it.
func TestCORS(t *testing.T) {
	t.Parallel()
	rules := list(readTemplate(t).resources["Bucket"].at("CorsConfiguration", "CorsRules"))
	got := fmt.Sprint(rules)
	for _, want := range []string{"https://${Api}.execute-api", "AllowedMethods:[GET HEAD PUT]", "ExposedHeaders:[Content-Length Content-Range ETag]", "if-none-match"} {
		if !strings.Contains(got, want) {
			t.Errorf("the bucket's CORS lacks %s: %s", want, got)
		}
	}
	if strings.Contains(got, "AllowedOrigins:[*") {
		t.Error("every page may read responses of the bucket")
	}
}

// EFS passes only these condition keys for its clients: with another one, a permission never
// applies, and a denial with a negated condition always applies.
func TestFileSystemConditions(t *testing.T) {
	t.Parallel()
	passed := []string{"aws:SecureTransport", "aws:SourceIp", "elasticfilesystem:AccessPointArn", "elasticfilesystem:AccessedViaMountTarget"}
	tmpl := readTemplate(t)
	var statements []any
	for _, name := range []string{"FileSystem", "ShareDirectory"} {
		for _, key := range []string{"FileSystemPolicy", "PolicyDocument"} {
			statements = append(statements, list(tmpl.resources[name].at(key, "Statement"))...)
		}
	}
	for _, p := range list(tmpl.resources["CopySourceRole"].at("Policies")) {
		statements = append(statements, list(p.(map[string]any)["PolicyDocument"].(map[string]any)["Statement"])...)
	}
	if len(statements) != 4 {
		t.Errorf("%d statements, want 4", len(statements))
	}
	for _, s := range statements {
		for operator, keys := range s.(map[string]any)["Condition"].(map[string]any) {
			for key := range keys.(map[string]any) {
				if !slices.Contains(passed, key) {
					t.Errorf("%s on %s, which EFS does not pass for clients: %v", operator, key, s)
				}
			}
		}
	}
	for _, s := range list(tmpl.resources["FileSystem"].at("FileSystemPolicy", "Statement")) {
		if effect := s.(map[string]any)["Effect"]; effect != "Deny" {
			t.Errorf("the file system's policy allows access, even to clients without a role: %v", s)
		}
	}
}

// A bucket with copies requires the directory of which they are copies: a full comparison with an empty
// directory would delete them.
func TestBucketWithItsDirectory(t *testing.T) {
	t.Parallel()
	for _, rule := range readTemplate(t).rules {
		got := fmt.Sprint(rule)
		if strings.Contains(got, "RuleCondition:map[Fn::Not:[map[Fn::Equals:[map[Ref:ExistingBucket] ]]]]") &&
			strings.Contains(got, "Assert:map[Fn::Not:[map[Fn::Equals:[map[Ref:ExistingFileSystem] ]]]]") {
			return
		}
	}
	t.Error("ExistingBucket is accepted without ExistingFileSystem")
}

// DataSync sees only published/, which it can't write, and makes pictures/ a copy of it.
func TestCopies(t *testing.T) {
	t.Parallel()
	tmpl := readTemplate(t)
	shared, published := tmpl.resources["SharedDirectory"].at("RootDirectory", "Path"), tmpl.resources["Published"].at("RootDirectory", "Path")
	if published != fmt.Sprint(shared)+"/published" {
		t.Errorf("the shared directory is %v, and DataSync reads %v", shared, published)
	}
	if got := tmpl.resources["Published"].at("RootDirectory", "CreationInfo"); got != nil {
		t.Error("DataSync's mount may create the shared directory with the wrong owner")
	}
	if got := fmt.Sprintf("%v %v", tmpl.resources["CopySource"].at("AccessPointArn"), tmpl.resources["CopySource"].at("InTransitEncryption")); got != "map[Fn::GetAtt:[Published Arn]] TLS1_2" {
		t.Errorf("DataSync's source: %s", got)
	}
	for _, p := range permissions(t, tmpl)["CopySourceRole"] {
		if p.action != "elasticfilesystem:ClientMount" {
			t.Errorf("DataSync may %s at its source", p.action)
		}
	}
	if got := tmpl.resources["CopyTarget"].at("Subdirectory"); got != gallery.Pictures {
		t.Errorf("DataSync writes to %v", got)
	}
	if got := tmpl.resources["CopyTarget"].after; !slices.Contains(got, "MountTargetA") {
		t.Errorf("DataSync tests the role for the target as soon as the role is created (after %v): other services may not know it yet", got)
	}
	options := fmt.Sprint(tmpl.resources["CopyTask"].at("Options"))
	for _, want := range []string{"TransferMode:CHANGED", "PreserveDeletedFiles:REMOVE"} {
		if !strings.Contains(options, want) {
			t.Errorf("DataSync's task lacks %s", want)
		}
	}
	rule := fmt.Sprint(tmpl.resources["CopyEnded"].at("EventPattern"))
	for _, want := range []string{"aws.datasync", "DataSync Task Execution State Change", "prefix:map[Ref:CopyTask]"} {
		if !strings.Contains(rule, want) {
			t.Errorf("the rule for ends of copies lacks %s: %s", want, rule)
		}
	}
}

// No resource has a price per hour of its existence.
func TestAtRest(t *testing.T) {
	t.Parallel()
	tmpl := readTemplate(t)
	if got := tmpl.parameters["MinInstances"].(map[string]any)["Default"]; fmt.Sprint(got) != "0" {
		t.Errorf("%v instances run by default without jobs", got)
	}
	for name, r := range tmpl.resources {
		switch {
		case slices.Contains([]string{"AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::EC2::Instance", "AWS::KMS::Key", "AWS::WAFv2::WebACL"}, r.kind),
			r.kind == "AWS::EC2::VPCEndpoint" && fmt.Sprint(r.at("VpcEndpointType")) != "Gateway",
			r.kind == "AWS::AutoScaling::AutoScalingGroup" && fmt.Sprint(r.at("MinSize")) != "map[Ref:MinInstances]":
			t.Errorf("%s (%s) has a price even when it is not used", name, r.kind)
		}
	}
}

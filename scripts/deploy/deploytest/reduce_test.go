package deploytest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/deploy/deploytest"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

const whole = `
Resources:
  Task:
    Type: AWS::DataSync::Task
  Vpc:
    Type: AWS::EC2::VPC
    DependsOn: Task
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties: {Metrics: []}
  Other:
    Type: AWS::CloudWatch::Alarm
    DependsOn: [Alarm, Vpc]
    Properties: {MetricName: x, Dimensions: !If [Some, !Ref Task, !GetAtt Task.Arn], Description: !Sub 'of ${Task} and ${Vpc}'}
  Subnet:
    Type: AWS::EC2::Subnet
    Properties: {Ipv6CidrBlock: !Select [0, !GetAtt Vpc.Ipv6CidrBlocks]}
  Policy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Statement:
        - {Effect: Deny, Condition: {Bool: {'aws:SecureTransport': 'false'}}}
        - {Effect: Allow}
  Function:
    Type: AWS::Lambda::Function
    Properties: {Environment: {Variables: {A: !Ref Task, B: b, C: c}}}
`

const reduced = `Resources:
  Vpc:
    Type: AWS::EC2::VPC
  Other:
    Type: AWS::CloudWatch::Alarm
    DependsOn: [Vpc]
    Properties: {MetricName: x, Dimensions: !If [Some, "the task", "the task"], Description: !Sub 'of the task and ${Vpc}'}
  Subnet:
    Type: AWS::EC2::Subnet
    Properties: {Ipv6CidrBlock: !Select [0, ["2001:db8::/56"]]}
  Policy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Statement:
        - {Effect: Allow}
  Function:
    Type: AWS::Lambda::Function
    Properties: {Environment: {Variables: {A: "the task", "C": "d"}}}
`

func TestReduction(t *testing.T) {
	r := deploytest.Reduction{
		Without: deploytest.Lacking, Lists: deploytest.LackingLists, PlainHTTP: true,
		References:  map[string]string{"AWS::DataSync::Task": "the task"},
		Environment: map[string]string{"B": "", "C": "d"},
	}
	got, err := r.Apply([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	// The encoder indents by four.
	if flat := strings.ReplaceAll(string(got), "    ", "  "); flat != reduced {
		t.Errorf("got %s\nwant %s", flat, reduced)
	}
}

func TestReductionRefusesWhatIsNoTemplate(t *testing.T) {
	for _, text := range []string{"", "a: [", "Outputs: {}", "Resources: {A: {}}"} {
		if _, err := (deploytest.Reduction{}).Apply([]byte(text)); err == nil {
			t.Errorf("%q is reduced", text)
		}
	}
}

// What is taken out of the template is what MiniStack can't do: where it has learned that, the
// lists are too long.
func TestMiniStackLacksWhatIsTakenOut(t *testing.T) {
	locked := ministacktest.StartForTemplate(t)
	bin := os.Getenv("ATELIER_AWSCLI")
	if bin == "" {
		t.Skip(`the AWS command line is not installed: run scripts/setup --tests, then eval "$(scripts/env)"`)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cloudFormation := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, filepath.Join(bin, "aws"), append([]string{"cloudformation"}, args...)...)
		cmd.Env = append(locked.Environ(), "AWS_PAGER=", "AWS_DEFAULT_REGION="+ministack.Region)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	templates := map[string]string{}
	for _, name := range deploytest.Lacking {
		of, property, _ := strings.Cut(name, ".")
		properties := ""
		if property != "" {
			properties = fmt.Sprintf(`,"Properties":{%q:[{"Id":"a","Expression":"1"}]}`, property)
		}
		templates[name] = fmt.Sprintf(`{"Resources":{"R":{"Type":%q%s}}}`, of, properties)
	}
	for name := range deploytest.LackingLists {
		of, attribute, _ := strings.Cut(name, ".")
		templates[name] = fmt.Sprintf(
			`{"Resources":{"R":{"Type":%q,"Properties":{"CidrBlock":"10.0.0.0/24"}}},"Outputs":{"O":{"Value":{"Fn::Select":[0,{"Fn::GetAtt":["R",%q]}]}}}}`, of, attribute)
	}
	for name, template := range templates {
		stack := strings.NewReplacer(":", "", ".", "").Replace(name)
		reason, err := cloudFormation("create-stack", "--stack-name", stack, "--template-body", template)
		for err == nil { // refused later, or not
			status, err := cloudFormation("describe-stacks", "--stack-name", stack, "--query", "Stacks[0].StackStatus", "--output", "text")
			if err != nil {
				t.Fatalf("%s: %v: %s", name, err, status)
			}
			if !strings.Contains(status, "IN_PROGRESS") {
				if reason, err = cloudFormation("describe-stack-events", "--stack-name", stack, "--query", "StackEvents[].ResourceStatusReason", "--output", "text"); err != nil {
					t.Fatal(reason)
				}
				break
			}
		}
		if !strings.Contains(reason, "Unrecognized resource types") && !strings.Contains(reason, "is not supported") && !strings.Contains(reason, "does not exist in schema") {
			t.Errorf("MiniStack has %s; take it off the list: %q", name, reason)
		}
	}
}

package deploytest_test

import (
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/deploy/deploytest"
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
        - {Effect: Allow, Action: ['sqs:SendMessage', 'sqs:DeleteMessage']}
        - {Effect: Allow, Action: sqs:SendMessage}
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
        - {Effect: Allow, Action: ['sqs:SendMessage', 'sqs:DeleteMessage', "sqs:SendMessageBatch"]}
        - {Effect: Allow, Action: ["sqs:SendMessage", "sqs:SendMessageBatch"]}
  Function:
    Type: AWS::Lambda::Function
    Properties: {Environment: {Variables: {A: "the task", "C": "d"}}}
`

func TestReduction(t *testing.T) {
	r := deploytest.Reduction{
		Without: deploytest.Lacking, Lists: deploytest.LackingLists, PlainHTTP: true, Actions: deploytest.SeparateActions,
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

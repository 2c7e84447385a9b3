package deploy_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// Each permission of the deployed policies is removed, its use is then denied, and it is restored.
// Permissions that MiniStack does not check are listed with the reason. With
// ATELIER_DEPLOY_TESTS=all the test tries every permission, otherwise one of each policy.
func TestPermissionsAreNeeded(t *testing.T) {
	t.Parallel()
	began := time.Now()
	g := newGrants(t)
	t.Logf("%.0f s until the stack was deployed", time.Since(began).Seconds())
	all := g.permissions()
	chosen := needs
	if os.Getenv("ATELIER_DEPLOY_TESTS") != "all" {
		chosen = map[string]string{}
		for _, key := range someNeeds {
			chosen[key] = needs[key]
		}
	}
	for _, use := range slices.Compact(slices.Sorted(maps.Values(chosen))) {
		if err := g.use(use); err != nil {
			t.Errorf("with all permissions %q fails: %v", use, err)
		}
	}
	for key, at := range all {
		if cmp.Or(needs[key], ownSide[at.policy+" "+at.action], ownSide[at.action]) == "" {
			t.Errorf("%s: no use in needs shows that it is needed", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(chosen)) {
		use := chosen[key]
		if _, ok := all[key]; !ok {
			t.Errorf("no policy allows %s any more", key)
			continue
		}
		t.Run(key, func(t *testing.T) {
			g.T = t
			defer g.take(all[key])()
			g.renew()
			err := g.use(use)
			if err == nil {
				t.Fatalf("without it %q succeeds", use)
			}
			if seen := err.Error() + g.logged()[g.began:]; !denied.MatchString(seen) {
				t.Errorf("%q fails, but for another reason: %s", use, seen[max(0, len(seen)-4000):])
			}
		})
		g.T = t
	}
	t.Logf("%.0f s in all", time.Since(began).Seconds())
}

// prefix matches the prefix of archives, which depends on their content.
var prefix = regexp.MustCompile(`^artifacts/[0-9a-f]+/`)

var denied = regexp.MustCompile(`not authorized to perform|AccessDenied|Access Denied|Forbidden`)

// A grant is one action on one resource in a policy of the stack.
type grant struct{ policy, action, resource string }

// grants is a deployment whose permissions can be removed.
type grants struct {
	*deployment
	iam    *iam.Client
	names  map[string]string // names of resources on AWS, by their names in the template
	began  int               // length of the log when the use began
	public []string          // jobs that the gallery shows, to be erased
	large  string            // a job whose result is too large for Lambda
	daemon []string          // credentials of the instances' role, as environment variables
	bin    string            // the folder of worker-daemon
}

// use executes one of uses, and returns the error or the refusal in the log.
func (g *grants) use(name string) error {
	g.began = len(g.logged())
	err := g.uses()[name]()
	if logged := g.logged()[g.began:]; err == nil && denied.MatchString(logged) {
		err = errors.New(logged)
	}
	return err
}

func (g *grants) logged() string {
	g.Helper()
	b, err := os.ReadFile(g.log)
	if err != nil {
		g.Fatal(err)
	}
	return string(b)
}

// permissions returns the permissions of all policies of the stack, by a short name.
func (g *grants) permissions() map[string]grant {
	g.Helper()
	short := strings.NewReplacer(
		g.arn("QueueUrl"), "queue", g.arn("DeadLettersUrl"), "dead letters", "arn:aws:s3:::"+g.outputs["BucketName"], "bucket", "arn:aws:s3:::"+g.artifacts(), "artifacts",
	)
	found := map[string]grant{}
	for _, policy := range g.policies() {
		for _, statement := range list(g.document(policy)["Statement"]) {
			s := statement.(map[string]any)
			if s["Effect"] != "Allow" {
				continue
			}
			for _, action := range list(s["Action"]) {
				for _, resource := range list(s["Resource"]) {
					at := grant{policy, fmt.Sprint(action), fmt.Sprint(resource)}
					if at.action != "sqs:SendMessageBatch" { // on AWS included in sqs:SendMessage
						found[policy+" "+at.action+" "+prefix.ReplaceAllString(short.Replace(at.resource), "artifacts/")] = at
					}
				}
			}
		}
	}
	return found
}

// policies returns the names of the stack's policies: its roles with inline policies, and the
// managed ones.
func (g *grants) policies() []string {
	tmpl := readTemplate(g.T)
	all := slices.Concat(slices.Collect(maps.Keys(tmpl.of("AWS::IAM::Role"))), slices.Collect(maps.Keys(tmpl.of("AWS::IAM::ManagedPolicy"))))
	return slices.DeleteFunc(all, func(name string) bool { return g.names[name] == "" }) // those of other modes
}

// take removes a permission until back is called.
func (g *grants) take(at grant) (back func()) {
	g.Helper()
	before := g.document(at.policy)
	after := map[string]any{"Version": before["Version"]}
	var statements []any
	for _, statement := range list(before["Statement"]) {
		s := maps.Clone(statement.(map[string]any))
		actions, resources := list(s["Action"]), list(s["Resource"])
		if s["Effect"] == "Allow" && slices.Contains(actions, any(at.action)) && slices.Contains(resources, any(at.resource)) {
			if others := without(resources, at.resource); len(others) > 0 {
				rest := maps.Clone(s)
				rest["Resource"] = others
				statements = append(statements, rest)
			}
			s["Resource"] = at.resource
			s["Action"] = without(without(actions, at.action), at.action+"Batch")
			if len(list(s["Action"])) == 0 {
				continue
			}
		}
		statements = append(statements, s)
	}
	after["Statement"] = statements
	g.store(at.policy, after)
	return func() { g.store(at.policy, before) }
}

func without(all []any, one string) []any {
	return slices.DeleteFunc(slices.Clone(all), func(v any) bool { return v == one })
}

// document reads a policy; for a role its only inline policy.
func (g *grants) document(policy string) (document map[string]any) {
	g.Helper()
	var text *string
	if name := g.names[policy]; strings.HasPrefix(name, "arn:") {
		p, err := g.iam.GetPolicy(g.Context(), &iam.GetPolicyInput{PolicyArn: &name})
		if err != nil {
			g.Fatal(err)
		}
		v, err := g.iam.GetPolicyVersion(g.Context(), &iam.GetPolicyVersionInput{PolicyArn: &name, VersionId: p.Policy.DefaultVersionId})
		if err != nil {
			g.Fatal(err)
		}
		text = v.PolicyVersion.Document
	} else {
		p, err := g.iam.GetRolePolicy(g.Context(), &iam.GetRolePolicyInput{RoleName: &name, PolicyName: aws.String(g.inline(policy))})
		if err != nil {
			g.Fatal(err)
		}
		text = p.PolicyDocument
	}
	decoded, err := url.QueryUnescape(aws.ToString(text))
	if err == nil {
		err = json.Unmarshal([]byte(decoded), &document)
	}
	if err != nil {
		g.Fatalf("%s: %v: %s", policy, err, aws.ToString(text))
	}
	return document
}

func (g *grants) store(policy string, document map[string]any) {
	g.Helper()
	b, err := json.Marshal(document)
	if err != nil {
		g.Fatal(err)
	}
	ctx, name, text := g.root.Context(), g.names[policy], aws.String(string(b))
	if strings.HasPrefix(name, "arn:") {
		var p *iam.GetPolicyOutput
		if p, err = g.iam.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &name}); err == nil {
			_, err = g.iam.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: &name, PolicyDocument: text, SetAsDefault: true})
		}
		if err == nil { // a policy has at most five versions
			_, err = g.iam.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: &name, VersionId: p.Policy.DefaultVersionId})
		}
	} else {
		_, err = g.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String(g.inline(policy)), PolicyDocument: text})
	}
	if err != nil {
		g.Fatalf("%s: %v", policy, err)
	}
}

func (g *grants) inline(role string) string {
	policies := list(readTemplate(g.T).resources[role].at("Policies"))
	if len(policies) != 1 {
		g.Fatalf("%s has %d policies", role, len(policies))
	}
	return fmt.Sprint(policies[0].(map[string]any)["PolicyName"])
}

// newGrants deploys everything that has a permission, with jobs for the uses.
func newGrants(t *testing.T) *grants {
	t.Helper()
	d := newDeployment(t)
	whole := d.archives
	d.archives = t.TempDir()
	for from, to := range map[string]string{"api-lambda.zip": "api-lambda.zip", "maintenance-lambda.zip": "maintenance-lambda.zip", "worker-lambda-onnx.zip": "worker-lambda-tensorflow.zip"} {
		if err := os.Symlink(filepath.Join(whole, from), filepath.Join(d.archives, to)); err != nil {
			t.Fatal(err)
		}
	}
	archive(t, filepath.Join(d.archives, "payload.zip"), "lib/engine.so", "models/atelier/model")
	archive(t, filepath.Join(d.archives, "atelier-ec2.tar.gz"), "bin/worker-daemon-tensorflow")
	d.upFirst("--mode", "both", "--engine", "tensorflow", "--set", "KeysParameter=/atelier/keys")
	g := withPolicies(d)
	g.prepare()
	return g
}

// withPolicies returns a deployment whose policies can be changed.
func withPolicies(d *deployment) *grants {
	d.Helper()
	g := &grants{deployment: d, iam: iam.NewFromConfig(d.cfg), names: map[string]string{}}
	words := d.aws("cloudformation", "list-stack-resources", "--stack-name", "atelier", "--query", "StackResourceSummaries[].[LogicalResourceId,PhysicalResourceId]")
	for pair := range slices.Chunk(words, 2) {
		g.names[pair[0]] = pair[1]
	}
	return g
}

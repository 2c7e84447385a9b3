package deploy_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
)

// completeErasure leaves an erasure half done and waits until a sweep completes it.
func (g *grants) completeErasure() error {
	id := g.next()
	if err := os.WriteFile(filepath.Join(g.dir, "erasing", id+".erased"), nil, 0o600); err != nil {
		g.Fatal(err)
	}
	return g.sweepUntil("the erasure's end", func() bool { return len(g.keys(id)) == 0 })
}

// emptyHour stores a manifest of an hour without jobs, which an update must remove.
func (g *grants) emptyHour() error {
	const manifest = "gallery/2026/01/02/03.json"
	if _, err := g.copies.To.Put(g.Context(), manifest, strings.NewReader(`{"jobs":[]}`), bucket.Put{}); err != nil {
		g.Fatal(err)
	}
	if err := g.maintain("gallery"); err != nil {
		return err
	}
	if _, err := g.copies.To.Head(g.Context(), manifest); !errors.Is(err, bucket.ErrNotFound) {
		return fmt.Errorf("the manifest still exists: %w", err)
	}
	return nil
}

func (g *grants) copyNew() error {
	id := string(g.Submit(g.photograph(), "public", "true"))
	g.ended(job.ID(id))
	return g.sweepUntil("the copies", func() bool { return len(g.keys(id)) == 2 })
}

// checkFailedCopy lets a copy fail for one of a job's two pictures.
func (g *grants) checkFailedCopy() error {
	id := string(g.Submit(g.photograph(), "public", "true"))
	g.ended(job.ID(id))
	g.uncopied.Store(&id)
	defer g.uncopied.Store(nil)
	return g.sweepUntil("the end of the copy", func() bool { return strings.Contains(g.logged()[g.began:], "a DataSync execution failed") })
}

// sweepUntil sweeps until done returns true, or a sweep fails. A sweep too soon after another does
// nothing.
func (g *grants) sweepUntil(what string, done func() bool) error {
	g.Helper()
	var failed error
	err := g.until(what, func() bool { failed = g.maintain("sweep"); return failed != nil || done() })
	return errors.Join(failed, err)
}

// maintain invokes the maintenance function.
func (g *grants) maintain(task string) error {
	out, err := lambda.NewFromConfig(g.cfg).Invoke(g.Context(), &lambda.InvokeInput{FunctionName: g.function.Load(), Payload: fmt.Appendf(nil, `{"task":%q}`, task)})
	if err == nil && out.FunctionError != nil {
		err = errors.New(string(out.Payload))
	}
	return err
}

func (g *grants) send(queue, body string) {
	g.Helper()
	if _, err := sqs.NewFromConfig(g.cfg).SendMessage(g.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(g.outputs[queue]), MessageBody: &body}); err != nil {
		g.Fatal(err)
	}
}

// messages returns the number of messages in a queue, including those being processed.
func (g *grants) messages(queue string) int {
	g.Helper()
	out, err := sqs.NewFromConfig(g.cfg).GetQueueAttributes(g.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(g.outputs[queue]), AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll},
	})
	if err != nil {
		g.Fatal(err)
	}
	var visible, inWork int
	counts := out.Attributes["ApproximateNumberOfMessages"] + " " + out.Attributes["ApproximateNumberOfMessagesNotVisible"]
	if _, err := fmt.Sscan(counts, &visible, &inWork); err != nil {
		g.Fatalf("%q: %v", counts, err)
	}
	return visible + inWork
}

func (g *grants) purge() {
	g.Helper()
	for _, queue := range []string{"QueueUrl", "DeadLettersUrl"} {
		if _, err := sqs.NewFromConfig(g.cfg).PurgeQueue(g.Context(), &sqs.PurgeQueueInput{QueueUrl: aws.String(g.outputs[queue])}); err != nil {
			g.Fatal(err)
		}
	}
}

// giveBack: an unreadable message is given back and received again.
func (g *grants) giveBack() error {
	g.purge()
	defer g.purge()
	again := g.receivedAgain()
	g.send("QueueUrl", "poison")
	return g.until("the message's second receipt", again)
}

// receivedAgain returns a function that reports whether a worker has logged, since this call, that
// it received a message for the second time.
func (g *grants) receivedAgain() func() bool {
	from := len(g.logged())
	second := regexp.MustCompile(`a message that names no job.*received\W+2\b`)
	return func() bool { return second.MatchString(g.logged()[from:]) }
}

// waiting submits a job that no function paints, and receives its message from the queue.
func (g *grants) waiting() (id job.ID, message string) {
	g.Helper()
	g.enable(false)
	g.purge()
	id = g.Submit(g.photograph())
	queues := sqs.NewFromConfig(g.cfg)
	g.waitFor("the job's message", func() bool {
		out, err := queues.ReceiveMessage(g.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(g.outputs["QueueUrl"]), WaitTimeSeconds: 1})
		if err != nil {
			g.Fatal(err)
		}
		for _, m := range out.Messages {
			if body := aws.ToString(m.Body); strings.Contains(body, string(id)) { // the sweeper may send other jobs again
				message = body
			}
		}
		return message != ""
	})
	g.purge()
	return id, message
}

func (g *grants) resend() error {
	_, message := g.waiting()
	defer g.enable(true)
	g.send("DeadLettersUrl", message)
	return g.sweepUntil("the message in the queue", func() bool { return g.messages("DeadLettersUrl") == 0 && g.messages("QueueUrl") > 0 })
}

func (g *grants) loadArchive() error {
	stack := g.aws("s3", "ls", "s3://"+g.artifacts()+"/", "--recursive")
	for _, key := range stack {
		if !strings.HasSuffix(key, "/atelier-ec2.tar.gz") {
			continue
		}
		cmd := exec.CommandContext(g.Context(), filepath.Join(os.Getenv("ATELIER_AWSCLI"), "aws"), "s3", "cp", "s3://"+g.artifacts()+"/"+key, "-")
		cmd.Env = g.daemon
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	return errors.New("there is no archive")
}

// buildWorker builds the daemon, and the decoder in the same folder.
func (g *grants) buildWorker() {
	g.Helper()
	g.bin = g.TempDir()
	for _, args := range [][]string{{"-tags=nodynamic,onnx", "-o", g.bin + "/", "../../worker/cmd/worker-daemon"}, {"-o", g.bin + "/", "../../worker/cmd/picture-decoder"}} {
		if out, err := exec.CommandContext(g.Context(), "go", append([]string{"build"}, args...)...).CombinedOutput(); err != nil {
			g.Fatalf("%v\n%s", err, out)
		}
	}
}

// worker runs the daemon with an instance's permissions until done returns true.
func (g *grants) worker(what string, done func() bool) error {
	g.Helper()
	file, err := os.OpenFile(g.log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		g.Fatal(err)
	}
	defer file.Close()
	root := os.Getenv("ATELIER_ROOT")
	cmd := exec.CommandContext(g.Context(), filepath.Join(g.bin, "worker-daemon"))
	cmd.Env = append(g.daemon, "ATELIER_ONNXRUNTIME=", "ATELIER_DIR="+g.dir, "ATELIER_MODEL="+filepath.Join(root, "model", "atelier"), "ATELIER_QUEUE="+g.outputs["QueueUrl"], "ATELIER_BUCKET="+g.outputs["BucketName"])
	cmd.Stdout, cmd.Stderr = file, file
	if err := cmd.Start(); err != nil {
		g.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt) // fails only if it has ended
		_ = cmd.Wait()
	}()
	return g.until(what, done)
}

func (g *grants) paintOnInstance() error {
	id, message := g.waiting()
	defer g.enable(true)
	g.send("QueueUrl", message)
	return g.worker("the painted job", func() bool { return g.Read(id).State == job.Succeeded })
}

func (g *grants) giveBackOnInstance() error {
	g.enable(false)
	defer g.enable(true)
	g.purge()
	defer g.purge()
	again := g.receivedAgain()
	g.send("QueueUrl", "poison")
	return g.worker("the message's second receipt", again)
}

package ministack_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

// A guarded MiniStack has a queue with a message and a bucket with an object.
type guarded struct {
	*testing.T
	ministack.Locked
	cfg    aws.Config
	bucket *bucket.Bucket
	queue  *queue.Queue
	sent   int // messages in the queue: the SDK sends again if the connection is lost before the response
}

const stored = "what is stored"

func start(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{T: t}
	g.Locked, g.cfg = ministacktest.Start(t)
	var err error
	if g.queue, err = queue.Create(t.Context(), g.cfg, "atelier"); err != nil {
		t.Fatal(err)
	}
	if _, err = sqs.NewFromConfig(g.cfg).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(g.queue.URL()), MessageBody: aws.String("m")}); err != nil {
		t.Fatal(err)
	}
	if g.bucket, err = bucket.Create(t.Context(), g.cfg, "atelier", "http://127.0.0.1:8080"); err != nil {
		t.Fatal(err)
	}
	if _, err = g.bucket.Put(t.Context(), "a b/c", strings.NewReader(stored), bucket.Put{}); err != nil {
		t.Fatal(err)
	}
	depth, err := g.queue.Depth(t.Context())
	if g.sent = depth.Total(); err != nil || g.sent < 1 {
		t.Fatalf("the queue: %+v, %v", depth, err)
	}
	return g
}

func (g *guarded) host() string { return strings.TrimPrefix(g.Endpoint, "http://") }

// untouched checks that the state is the same as after start.
func (g *guarded) untouched() {
	g.Helper()
	if depth, err := g.queue.Depth(g.Context()); err != nil || depth.Total() != g.sent {
		g.Errorf("the queue: %+v, %v", depth, err)
	}
	queues, err := sqs.NewFromConfig(g.cfg).ListQueues(g.Context(), &sqs.ListQueuesInput{})
	if err != nil || len(queues.QueueUrls) != 2 { // including the dead-letter queue
		g.Errorf("queues: %+v, %v", queues, err)
	}
	buckets, err := s3.NewFromConfig(g.cfg, func(o *s3.Options) { o.UsePathStyle = true }).ListBuckets(g.Context(), nil)
	if err != nil || len(buckets.Buckets) != 1 {
		g.Errorf("buckets: %+v, %v", buckets, err)
	}
	functions, err := lambda.NewFromConfig(g.cfg).ListFunctions(g.Context(), nil)
	if err != nil || len(functions.Functions) != 0 {
		g.Errorf("functions: %+v, %v", functions, err)
	}
	body, _, err := g.bucket.Get(g.Context(), "a b/c")
	if err != nil {
		g.Fatal(err)
	}
	defer body.Close()
	if b, err := io.ReadAll(body); err != nil || string(b) != stored {
		g.Errorf("the object: %q, %v", b, err)
	}
}

// internal lists MiniStack's own paths and what it serves without authentication, from its source.
var internal = []string{
	"POST /_ministack/reset", "POST /_ministack/reset?init=1", "POST /_ministack/config", "GET /_ministack/health", "GET /_ministack/ready",
	"GET /_localstack/health", "GET /_localstack/x", "GET /health",
	"GET /_ministack/ses/messages", "GET /_ministack/sqs/messages", "GET /_ministack/sns/sms-messages",
	"GET /_ministack/lambda-code/api-lambda", "GET /_ministack/lambda-code/000000000000/us-east-1/api-lambda",
	"GET /_ministack/lambda-layers/x/1/content", "GET /_ministack/lambda-layers/000000000000/us-east-1/x/1/content",
	"GET /_ministack/iot/ca.pem", "GET /_ministack/rds/ca.pem", "GET /_ministack/elasticache/ca.pem", "GET /_ministack/transfer/sftp-ports",
	"POST /_ministack/rds/iam-auth", "PUT /_ministack/cfn-response/x", "PUT /_ministack/cfn-signal/x", "POST /_ministack/eks-auth/000000000000/x/y/zzzzzzzzzzzzzzzz",
	"GET /_aws/execute-api/0123abcd/$default/", "GET /_aws/lambda-url/0123/", "GET /_alb/x/",
	"GET /oauth2/authorize", "POST /oauth2/token", "POST /login", "GET /logout", "GET /x/.well-known/jwks.json",
	"POST /graphql", "GET /iceberg/v1/config", "GET /v20180820/tags/x", "POST /Execute", "POST /v2/email/outbound-emails", "GET /v2/", "POST /WriteGetObjectResponse",
	"GET /", "PUT /evil", "GET /atelier", "GET /atelier/a%20b/c", "PUT /atelier/evil", "DELETE /atelier/a%20b/c", "POST /atelier?delete",
	"POST /?Action=PurgeQueue&QueueUrl=http://127.0.0.1/000000000000/atelier", "GET /?Action=DeleteQueue&QueueUrl=http://127.0.0.1/000000000000/atelier",
	"GET /000000000000/atelier?Action=ReceiveMessage", "POST /2015-03-31/functions", "GET /2015-03-31/functions",
	"POST /%5fministack/reset", "POST //_ministack/reset", "POST /./_ministack/reset", "POST /%2e/_ministack/reset", "POST /_ministack/./reset", "POST /" + strings.Repeat("0", 64) + "/_ministack/reset",
}

const function = `{"FunctionName":"evil","Runtime":"provided.al2023","Handler":"bootstrap","Role":"arn:aws:iam::000000000000:role/worker-lambda","Code":{"ZipFile":"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}}`

// Raw requests as sent by a browser, by a page whose name resolves to this machine, or by any
// program; none is signed with the secret.
func TestUnsignedRequestsAreRefused(t *testing.T) {
	g := start(t)
	now := time.Now().UTC()
	stamp, day := now.Format("20060102T150405Z"), now.Format("20060102")
	claims := func(key, service string) string {
		return fmt.Sprintf("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=%s%%2F%s%%2Fus-east-1%%2F%s%%2Faws4_request&X-Amz-Date=%s&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=%064d", key, day, service, stamp, 0)
	}
	header := func(key, service string) string {
		return fmt.Sprintf("Authorization: AWS4-HMAC-SHA256 Credential=%s/%s/us-east-1/%s/aws4_request, SignedHeaders=host, Signature=%064d\r\nX-Amz-Date: %s\r\n", key, day, service, 0, stamp)
	}
	browser := "Origin: http://evil.example\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nReferer: http://evil.example/\r\nContent-Type: text/plain;charset=UTF-8\r\n"
	of := func(service string) []string { // header sets of different senders
		return []string{"", browser, "Content-Type: application/x-www-form-urlencoded\r\nOrigin: null\r\n", header("test", service), header("", service),
			header("000000000000", service), "Authorization: AWS test:AAAA\r\n", "Authorization: Bearer x\r\n", header("test", service) + browser}
	}
	var requests []string
	for _, line := range internal {
		method, target, _ := strings.Cut(line, " ")
		for _, service := range []string{"s3", "sqs", "lambda"} {
			for _, headers := range of(service) {
				requests = append(requests, g.raw(method, target, g.host(), headers))
			}
			for _, key := range []string{"test", "", "000000000000"} {
				and := "?"
				if strings.Contains(target, "?") {
					and = "&"
				}
				requests = append(requests, g.raw(method, target+and+claims(key, service), g.host(), browser),
					g.raw(method, target+and+"AWSAccessKeyId="+key+"&Signature=x&Expires=9999999999", g.host(), ""))
			}
		}
		for _, host := range []string{"evil.example:" + g.port(), "0123abcd.execute-api.localhost:" + g.port(), "atelier.s3.localhost", "atelier.localhost:" + g.port(), "127.0.0.1", "evil.example", ""} {
			requests = append(requests, g.raw(method, target, host, ""))
		}
		requests = append(requests, g.raw("OPTIONS", target, g.host(), "Origin: http://evil.example\r\nAccess-Control-Request-Method: "+method+"\r\nAccess-Control-Request-Headers: authorization\r\n"),
			g.raw(method, g.Endpoint+target, g.host(), ""))
	}
	for _, target := range []string{"/", "/atelier", "/atelier/", "/other/key", "/2015-03-31/functions", "/000000000000/atelier", "/oauth2/token", "/restapis/x/y/_user_request_/", "/health"} {
		for _, method := range []string{"GET", "PUT"} {
			requests = append(requests, g.raw("OPTIONS", target+"?"+claims("test", "s3"), g.host(), "Origin: http://evil.example\r\nAccess-Control-Request-Method: "+method+"\r\n"),
				g.raw("OPTIONS", target+"?"+claims("test", "s3"), g.host(), "Origin: http://127.0.0.1:8080\r\nX-Amz-Target: AmazonSQS.ListQueues\r\nAccess-Control-Request-Method: "+method+"\r\n"))
		}
	}
	requests = append(requests, g.raw("OPTIONS", "/atelier/a%20b/c?"+claims("test", "s3"), g.host(), "Origin: http://evil.example\r\nX-Amz-Target: AmazonSQS.ListQueues\r\nAccess-Control-Request-Method: GET\r\n"))
	upgrade := "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nOrigin: http://evil.example\r\n"
	for _, target := range []string{"/", "/_ministack/reset", "/_aws/execute-api/0123abcd/x"} {
		requests = append(requests, g.raw("GET", target, g.host(), upgrade), g.raw("GET", target, "0123abcd.execute-api.localhost:"+g.port(), upgrade),
			g.raw("GET", target, "iot.us-east-1.localhost", upgrade+"Sec-WebSocket-Protocol: mqtt\r\n"))
	}
	for i, request := range requests {
		status, headers, body := g.send(request)
		if status/100 != 4 || headers.Get("Access-Control-Allow-Origin") != "" || strings.Contains(body, "http://127.0.0.1:"+g.port()) {
			t.Errorf("%d: %.400q: %d, %v: %.200s", i, request, status, headers, body)
		}
	}
	t.Logf("%d requests", len(requests))
	g.untouched()
}

func (g *guarded) port() string { return g.host()[strings.LastIndex(g.host(), ":")+1:] }

func (g *guarded) raw(method, target, host, headers string) string {
	body := ""
	if method == http.MethodPost || method == http.MethodPut {
		body = function
	}
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mozilla/5.0\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s", method, target, host, headers, len(body), body)
}

func (g *guarded) send(request string) (status int, headers http.Header, body string) {
	g.Helper()
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(g.Context(), "tcp", g.host())
	if err != nil {
		g.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		g.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		g.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		g.Fatalf("%.200q: %v", request, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // HEAD
		g.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

// secret returns the secret with which the stack signs.
func (g *guarded) secret() string {
	c, err := g.cfg.Credentials.Retrieve(g.Context())
	if err != nil {
		g.Fatal(err)
	}
	return c.SecretAccessKey
}

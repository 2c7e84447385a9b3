// Package queueserver serves queues of package queuefake over HTTP with SQS's protocol (AWS JSON
// 1.0). With it real programs can be tested with injected faults, faster than with any emulator. It
// accepts any signature. No production program may link it.
package queueserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/atelier-go/atelier/pkg/queue/queuefake"
)

// A Server is an [http.Handler]. The zero value has no queues. It is safe for concurrent use.
type Server struct {
	mu     sync.Mutex
	queues map[string]*namedQueue
}

// A namedQueue is a queue that is served under a name.
type namedQueue struct {
	*queuefake.Queue
	redrive string // its RedrivePolicy; "" if it has no dead-letter queue
}

// Add serves a queue under a name. If it has a dead-letter queue, that is served under the name
// with the suffix -dead.
func (s *Server) Add(name string, q *queuefake.Queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	policy := ""
	if _, err := q.DeadLetterQueue(context.Background()); err == nil {
		policy = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":10}`, arn(name+"-dead"))
	}
	s.add(name, q, policy)
}

// add serves a queue under a name, and its dead-letter queue under the name that the RedrivePolicy
// names.
func (s *Server) add(name string, q *queuefake.Queue, policy string) {
	if s.queues == nil {
		s.queues = map[string]*namedQueue{}
	}
	s.queues[name] = &namedQueue{q, policy}
	if dead, err := q.DeadLetterQueue(context.Background()); err == nil {
		s.queues[deadName(policy)] = &namedQueue{Queue: dead}
	}
}

func arn(name string) string { return "arn:aws:sqs:us-east-1:000000000000:" + name }

// deadName returns the name of the dead-letter queue that a RedrivePolicy names.
func deadName(policy string) string {
	var p struct {
		Target string `json:"deadLetterTargetArn"`
	}
	if json.Unmarshal([]byte(policy), &p) != nil {
		return ""
	}
	return p.Target[strings.LastIndexByte(p.Target, ':')+1:]
}

func (s *Server) find(name string) *namedQueue {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queues[name]
}

func (s *Server) remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.queues, name)
}

// maxRequestBytes is the largest request: a batch of 1 MiB of which each byte is escaped in JSON.
const maxRequestBytes = 8 << 20

// ServeHTTP handles one call of SQS's API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	if err != nil {
		writeError(w, http.StatusBadRequest, "InvalidRequest", err)
		return
	}
	var in struct{ QueueUrl, QueueName string }
	if err := json.Unmarshal(body, &in); err != nil {
		writeError(w, http.StatusBadRequest, "InvalidRequest", err)
		return
	}
	name := in.QueueName
	if name == "" {
		name = path.Base(in.QueueUrl)
	}
	_, call, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	out, err := s.call(r, call, name, body)
	switch {
	case errors.Is(err, errNoQueue):
		writeError(w, http.StatusBadRequest, "QueueDoesNotExist", err)
	case errors.Is(err, queuefake.ErrInvalid):
		writeError(w, http.StatusBadRequest, "InvalidParameterValue", err)
	case errors.Is(err, queuefake.ErrNotInFlight):
		writeError(w, http.StatusBadRequest, "MessageNotInflight", err)
	case err != nil:
		writeError(w, http.StatusServiceUnavailable, "ServiceUnavailable", err)
	default:
		w.Header().Set("Content-Type", contentType)
		_ = json.NewEncoder(w).Encode(out) // fails if the client has closed the connection
	}
}

var errNoQueue = errors.New("there is no such queue")

func (s *Server) call(r *http.Request, call, name string, body []byte) (any, error) {
	if call == "CreateQueue" {
		if err := s.create(name, body); err != nil {
			return nil, err
		}
	}
	q := s.find(name)
	if q == nil {
		return nil, fmt.Errorf("%w: %s", errNoQueue, name)
	}
	c := request{ctx: r.Context(), queue: q, name: name, host: r.Host, body: body}
	switch call {
	case "GetQueueUrl", "CreateQueue":
		return c.url()
	case "DeleteQueue":
		s.remove(name)
		return struct{}{}, nil
	case "GetQueueAttributes":
		return c.attributes()
	case "SendMessage":
		return c.send()
	case "SendMessageBatch":
		return c.sendBatch()
	case "ReceiveMessage":
		return c.receive()
	case "DeleteMessage":
		return c.delete()
	case "ChangeMessageVisibility":
		return c.extend()
	default:
		return nil, fmt.Errorf("%w: %q is not supported", queuefake.ErrInvalid, call)
	}
}

// create creates a queue unless it exists.
func (s *Server) create(name string, body []byte) error {
	var in struct {
		Attributes struct{ RedrivePolicy string }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return fmt.Errorf("%w: %w", queuefake.ErrInvalid, err)
	}
	cfg, policy := queuefake.Config{}, in.Attributes.RedrivePolicy
	if policy != "" {
		var p struct {
			Receives int `json:"maxReceiveCount,string"`
		}
		if err := json.Unmarshal([]byte(policy), &p); err != nil || deadName(policy) == "" {
			return fmt.Errorf("%w: RedrivePolicy %s: %w", queuefake.ErrInvalid, policy, err)
		}
		cfg.MaxReceives = p.Receives
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues[name] == nil {
		s.add(name, queuefake.New(cfg), policy)
	}
	return nil
}

const contentType = "application/x-amz-json-1.0"

func writeError(w http.ResponseWriter, status int, code string, err error) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws.sqs#" + code, "message": err.Error()})
}

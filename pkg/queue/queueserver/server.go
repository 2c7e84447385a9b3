// Package queueserver serves queues of package queuefake over HTTP, as SQS does (AWS JSON 1.0), so that real programs
// can be tried with faults and at a speed that no emulator has. It takes any signature. No production program may
// link it.
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
	queues map[string]*served
}

// A served queue is one with a name.
type served struct {
	*queuefake.Queue
	redrive string // its RedrivePolicy; "" where it has no dead-letter queue
}

// Add serves a queue under a name, and its dead-letter queue, if it has one, under the name with -dead at its end.
func (s *Server) Add(name string, q *queuefake.Queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	policy := ""
	if _, err := q.Dead(context.Background()); err == nil {
		policy = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":10}`, arn(name+"-dead"))
	}
	s.add(name, q, policy)
}

// add serves a queue, and its dead-letter queue under the name that the policy has.
func (s *Server) add(name string, q *queuefake.Queue, policy string) {
	if s.queues == nil {
		s.queues = map[string]*served{}
	}
	s.queues[name] = &served{q, policy}
	if dead, err := q.Dead(context.Background()); err == nil {
		s.queues[deadName(policy)] = &served{Queue: dead}
	}
}

func arn(name string) string { return "arn:aws:sqs:us-east-1:000000000000:" + name }

// deadName is the name in a RedrivePolicy.
func deadName(policy string) string {
	var p struct {
		Target string `json:"deadLetterTargetArn"`
	}
	if json.Unmarshal([]byte(policy), &p) != nil {
		return ""
	}
	return p.Target[strings.LastIndexByte(p.Target, ':')+1:]
}

func (s *Server) find(name string) *served {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queues[name]
}

func (s *Server) remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.queues, name)
}

// mostBytes is of a request: a batch of 1 MiB in which each byte is escaped.
const mostBytes = 8 << 20

// ServeHTTP is one call of SQS.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBytes))
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest", err)
		return
	}
	var in struct{ QueueUrl, QueueName string }
	if err := json.Unmarshal(body, &in); err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest", err)
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
		refuse(w, http.StatusBadRequest, "QueueDoesNotExist", err)
	case errors.Is(err, queuefake.ErrInvalid):
		refuse(w, http.StatusBadRequest, "InvalidParameterValue", err)
	case errors.Is(err, queuefake.ErrNotInFlight):
		refuse(w, http.StatusBadRequest, "MessageNotInflight", err)
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, "ServiceUnavailable", err)
	default:
		w.Header().Set("Content-Type", contentType)
		_ = json.NewEncoder(w).Encode(out) // else the client has gone
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
		return nil, fmt.Errorf("%w: %q is not served", queuefake.ErrInvalid, call)
	}
}

// create makes a queue unless it is there.
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

func refuse(w http.ResponseWriter, status int, code string, err error) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws.sqs#" + code, "message": err.Error()})
}

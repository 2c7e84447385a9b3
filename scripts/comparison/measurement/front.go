package measurement

import (
	"context"
	"encoding/json"
	"net"
	"net/http"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// A front is an HTTP server before the worker function, which paints within the request: a
// synchronous function behind a gateway, or, with several events at once in an environment, a
// hypothetical one on Lambda Managed Instances. It submits a photograph of its own for each
// request.
type front struct {
	*function
	server *http.Server
	url    string
}

func (p Programs) front(v Variant) (system, error) {
	f, err := p.function(v)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		_ = f.close() // the reason is err
		return nil, err
	}
	s := &front{function: f, url: "http://" + l.Addr().String() + "/"}
	s.server = &http.Server{Handler: http.HandlerFunc(s.serve)} //nolint:gosec // the sender is this process
	go func() { _ = s.server.Serve(l) }()                       // until it is closed
	return s, nil
}

// serve responds with what is known of the job, as JSON.
func (s *front) serve(w http.ResponseWriter, r *http.Request) {
	j, err := s.paint(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	_ = json.NewEncoder(w).Encode(j) // else the sender has gone
}

func (s *front) targets() ([]vegeta.Target, error) {
	return []vegeta.Target{{Method: http.MethodPost, URL: s.url}}, nil
}

func (s *front) collect(_ context.Context, responses []response) ([]Job, error) {
	logged, err := attempts(s.log)
	if err != nil {
		return nil, err
	}
	jobs := make([]Job, len(responses))
	for n, r := range responses {
		j := &jobs[n]
		if j.Failed = r.failed; j.Failed != "" {
			continue
		}
		if err := json.Unmarshal(r.body, j); err != nil {
			return nil, err
		}
		j.Latency = r.ended.Sub(r.scheduled).Seconds()
		if a, ok := logged[j.ID]; ok {
			a.fill(j)
			j.Received = max(0, a.began().Sub(r.scheduled).Seconds())
		}
	}
	return jobs, nil
}

func (s *front) close() error {
	_ = s.server.Close() // its connections are local
	return s.function.close()
}

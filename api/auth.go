package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"golang.org/x/time/rate"

	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/job"
)

// scheme is the name of the API keys in the OpenAPI document. The scope that each operation needs
// stands there too, and authorize enforces what stands there.
const scheme = "key"

// needs returns the security requirement of an operation that needs a key with the scope.
func needs(s keyring.Scope) []map[string][]string {
	return []map[string][]string{{scheme: {string(s)}}}
}

// open returns the security requirement of an operation that needs no key, and ignores a key.
func open() []map[string][]string { return []map[string][]string{{}} }

// openOr returns the security requirement of an operation that needs no key for public data, and
// for other data a key with the scope.
func openOr(s keyring.Scope) []map[string][]string { return append(open(), needs(s)...) }

// A caller is who sent a request: its owner, and what its key allows.
type caller struct {
	owner   string   // of the key; empty without one
	seesAll bool     // may access all jobs: an admin, or any caller of a server without keys
	denied  *Problem // if set, the caller may access public data only, and this is the response to the rest
}

type callerKey struct{}

// callerOf returns the sender of the request whose context is ctx. For any other ctx it returns a
// caller without permissions.
func callerOf(ctx context.Context) caller {
	c, ok := ctx.Value(callerKey{}).(caller)
	if !ok {
		return caller{denied: unauthorized("")}
	}
	return c
}

// authorize is middleware for huma. It refuses a request whose sender may not use the operation or
// has used up the owner's share, and adds the caller to the context of all others. An operation
// that declares no security requirement is for admins only.
func (s *Server) authorize(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	c, refusal := s.authenticate(r, ctx.Operation().Security)
	if refusal != nil {
		writeProblem(w, refusal)
		return
	}
	if ctx.Operation().Method != http.MethodGet {
		refusal = s.limiter.allow(c.owner)
	}
	if refusal != nil {
		writeProblem(w, refusal)
		return
	}
	s.withinShare(c.owner, w, r, func() { next(huma.WithValue(ctx, callerKey{}, c)) })
}

// authenticate returns the sender of a request, or the problem with which to refuse the request.
func (s *Server) authenticate(r *http.Request, security []map[string][]string) (caller, *Problem) {
	if s.Keys == nil {
		return caller{seesAll: true}, nil // guard has checked that it comes from this machine
	}
	scope, public := keyring.Admin, false
	for _, way := range security {
		if names, ok := way[scheme]; ok {
			scope = keyring.Scope(names[0])
		} else {
			public = true
		}
	}
	if public && len(security) == 1 {
		return caller{}, nil
	}
	holder, refusal := s.holder(r)
	switch {
	case refusal != nil && public && len(r.Header.Values("Authorization")) == 0:
		return caller{denied: refusal}, nil
	case refusal != nil:
		return caller{}, refusal
	}
	c := caller{owner: holder.Owner, seesAll: holder.May(keyring.Admin)}
	if !holder.May(scope) {
		c.denied = forbidden(scope)
	}
	if c.denied != nil && !public {
		return caller{}, c.denied
	}
	return c, nil
}

// holder returns the holder of a request's key, or the problem with which to refuse the request.
func (s *Server) holder(r *http.Request) (keyring.Holder, *Problem) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return keyring.Holder{}, unauthorized("")
	}
	kind, key, _ := strings.Cut(values[0], " ")
	if len(values) == 1 && strings.EqualFold(kind, "Bearer") {
		if h, ok := s.Keys.Lookup(strings.TrimSpace(key)); ok {
			return h, nil
		}
	}
	if s.Keys.Status().Err != nil { // the ring logs it
		return keyring.Holder{}, newProblem(http.StatusServiceUnavailable, "unavailable", "the server can't read its API keys at the moment; nothing was changed, try again later")
	}
	if s.badKeyLogs.Allow() {
		s.log(r.Context()).Warn("refused a request with an unknown API key", "from", r.RemoteAddr, "method", r.Method, "path", r.URL.Path)
	}
	return keyring.Holder{}, unauthorized("invalid_token")
}

// newBadKeyLogs returns the limit of log lines about unknown keys, so that a client that tries many
// keys does not fill the disk.
func newBadKeyLogs() *rate.Limiter { return rate.NewLimiter(1, 20) }

// unauthorized returns the problem for a request without a valid key. why is the error code of RFC
// 6750; it is empty if the request has no key.
func unauthorized(why string) *Problem {
	p := newProblem(http.StatusUnauthorized, "unauthorized", "an API key is required: Authorization: Bearer KEY")
	challenge := "Bearer"
	if why != "" {
		p.Detail = "this is not a valid API key of this server; it may have been revoked"
		challenge += fmt.Sprintf(" error=%q", why)
	}
	p.header = http.Header{"Www-Authenticate": {challenge}}
	return p
}

func forbidden(scope keyring.Scope) *Problem {
	p := newProblem(http.StatusForbidden, "forbidden", fmt.Sprintf("this API key does not allow that: it lacks the scope %s", scope))
	p.header = http.Header{"Www-Authenticate": {fmt.Sprintf(`Bearer error="insufficient_scope", scope=%q`, scope)}}
	return p
}

// authorizedID parses the id of a job, and returns an error unless the caller may access the job.
func (s *Server) authorizedID(ctx context.Context, text string) (job.ID, error) {
	id, err := job.ParseID(text)
	if err != nil || callerOf(ctx).seesAll {
		return id, err
	}
	j, err := s.Store.Job(id)
	return id, s.hideFromOthers(ctx, id, j.Owner, err)
}

// hideFromOthers returns the error to show to the caller after the job id was read with the result
// err, which may be nil. If the job is another owner's, even an erased one, that is the error for a
// job that never existed. owner is the job's, or empty if it is unknown.
func (s *Server) hideFromOthers(ctx context.Context, id job.ID, owner string, err error) error {
	c := callerOf(ctx)
	switch {
	case c.seesAll:
		return err
	case c.denied != nil:
		return c.denied
	case err == nil, owner != "":
	case errors.Is(err, job.ErrGone):
		stone, serr := s.Store.Tombstone(id)
		if serr != nil && !errors.Is(serr, job.ErrNotFound) {
			return serr
		}
		owner = stone.Owner // empty for an expired job
	case errors.Is(err, job.ErrDamagedJob):
		spec, serr := s.Store.Spec(id)
		if serr != nil {
			return err // the owner is unknown
		}
		owner = spec.Owner
	default:
		return err
	}
	if owner == "" || owner != c.owner {
		return s.Store.Unknown(id)
	}
	return err
}

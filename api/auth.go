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

// scheme is the name of the API keys in the OpenAPI document. What each
// operation needs is written there, and enforced from there.
const scheme = "key"

// needs: a key with that scope.
func needs(s keyring.Scope) []map[string][]string {
	return []map[string][]string{{scheme: {string(s)}}}
}

// open: no key is asked for, and none is looked at.
func open() []map[string][]string { return []map[string][]string{{}} }

// openOr: no key for what is public, and one with that scope for the rest.
func openOr(s keyring.Scope) []map[string][]string { return append(open(), needs(s)...) }

// A caller is who sends a request, as far as that matters to what is shown.
type caller struct {
	owner   string   // of the key; empty without one
	seesAll bool     // sees everybody's jobs: an admin, or anybody on a server without keys
	denied  *Problem // nothing but what is public, and this for the rest; nil is not barred
}

type callerKey struct{}

// callerOf is who sends the request; without one, somebody who may do nothing.
func callerOf(ctx context.Context) caller {
	c, ok := ctx.Value(callerKey{}).(caller)
	if !ok {
		return caller{denied: unauthorized("")}
	}
	return c
}

// authorize is huma's middleware: nobody gets to an operation who may not, or who asks
// for more than a fair share, and its handler can ask for the caller. An operation that doesn't say what it
// needs needs an admin.
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

// admit says who sends a request, or why that one may not.
func (s *Server) authenticate(r *http.Request, security []map[string][]string) (caller, *Problem) {
	if s.Keys == nil {
		return caller{seesAll: true}, nil // the guard has seen that it comes from this machine
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

// holder is who holds the key of a request.
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
	if s.Keys.Status().Err != nil { // which the ring logs
		return keyring.Holder{}, newProblem(http.StatusServiceUnavailable, "unavailable", "the server can't read its API keys at the moment; nothing was done, try again later")
	}
	if s.badKeyLogs.Allow() {
		s.log(r.Context()).Warn("a key that nobody holds", "from", r.RemoteAddr, "method", r.Method, "path", r.URL.Path)
	}
	return keyring.Holder{}, unauthorized("invalid_token")
}

// newStrangers bounds what the log says of wrong keys: whoever tries many must
// not fill the disk.
func newBadKeyLogs() *rate.Limiter { return rate.NewLimiter(1, 20) }

// unauthorized: there is no key, or why RFC 6750 calls it wrong.
func unauthorized(why string) *Problem {
	p := newProblem(http.StatusUnauthorized, "unauthorized", "an API key is needed: Authorization: Bearer KEY")
	challenge := "Bearer"
	if why != "" {
		p.Detail = "this is not an API key of this server, or not any more"
		challenge += fmt.Sprintf(" error=%q", why)
	}
	p.header = http.Header{"Www-Authenticate": {challenge}}
	return p
}

func forbidden(scope keyring.Scope) *Problem {
	p := newProblem(http.StatusForbidden, "forbidden", fmt.Sprintf("this API key is not for that: it lacks the scope %s", scope))
	p.header = http.Header{"Www-Authenticate": {fmt.Sprintf(`Bearer error="insufficient_scope", scope=%q`, scope)}}
	return p
}

// parse reads the id of a job that the caller may change or see all of.
func (s *Server) authorizedID(ctx context.Context, text string) (job.ID, error) {
	id, err := job.ParseID(text)
	if err != nil || callerOf(ctx).seesAll {
		return id, err
	}
	j, err := s.Store.Job(id)
	return id, s.hideFromOthers(ctx, id, j.Owner, err)
}

// disclose is what the caller is told after a job was read, with whatever error:
// another owner's job is one that there never was, gone or not. owner is empty
// where the reading has not come to know it.
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
		owner = stone.Owner // whose it was that has expired nobody knows
	case errors.Is(err, job.ErrDamagedJob):
		spec, serr := s.Store.Spec(id)
		if serr != nil {
			return err // whose it is can't be known any more
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

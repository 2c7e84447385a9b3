package api

import (
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atelier-go/atelier/pkg/job"
)

// replies are an operation's answers in the OpenAPI document, by status.
type replies = map[string]*huma.Response

// problems are the problems that an operation answers, and those that every operation
// may: it comes from another site's page, or there are too many requests, of one's own
// or of others. They take the place of huma's Errors, which adds 422 and 500
// where nothing can be invalid or go wrong.
func problems(statuses ...int) replies {
	all := replies{}
	for _, status := range append(statuses, http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable) {
		all[strconv.Itoa(status)] = reply(http.StatusText(status), map[string]*huma.MediaType{
			new(Problem).ContentType(""): {Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}},
		}, append(problemHeaders[status], "Cache-Control")...)
	}
	return all
}

// notReady adds that a 409 says when to ask again.
func withRetryAfter(r replies) replies {
	r["409"].Headers["Retry-After"] = &huma.Header{Schema: &huma.Schema{Type: huma.TypeString}}
	return r
}

var problemHeaders = map[int][]string{
	http.StatusUnauthorized:                 {"WWW-Authenticate"},
	http.StatusForbidden:                    {"WWW-Authenticate"},
	http.StatusRequestedRangeNotSatisfiable: {"Content-Range"},
	http.StatusTooManyRequests:              {"Retry-After"},
	http.StatusServiceUnavailable:           {"Retry-After"},
}

// pictures are the answers of an operation that shows a picture, besides its
// problems.
func pictures(others replies, types ...string) replies {
	content := map[string]*huma.MediaType{}
	for _, t := range types {
		content[t] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	others["200"] = reply("The picture", content, "ETag", "Cache-Control", "Accept-Ranges")
	others["206"] = reply("The part of it that Range asks for", content, "ETag", "Cache-Control", "Accept-Ranges", "Content-Range")
	others["304"] = reply("It is the one that If-None-Match names", nil, "ETag", "Cache-Control")
	for status, r := range problems(http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable) {
		others[status] = r
	}
	return others
}

// redirecting adds that a copy on S3 may be answered by a link.
func withRedirect(others replies) replies {
	others["303"] = reply("The picture is elsewhere for some minutes: send no key there", nil, "Location", "Cache-Control")
	return others
}

func reply(description string, content map[string]*huma.MediaType, headers ...string) *huma.Response {
	r := &huma.Response{Description: description, Content: content, Headers: map[string]*huma.Header{}}
	for _, name := range headers {
		r.Headers[name] = &huma.Header{Schema: &huma.Schema{Type: huma.TypeString}}
	}
	return r
}

var headerDocs = map[string]string{
	"Accept-Ranges":    "That it can be asked for in parts",
	"Cache-Control":    "Who may keep it, and for how long",
	"Content-Range":    "Which part it is, and of how many bytes",
	"ETag":             "For If-None-Match",
	"Location":         "Where it is: of a job relative to this request's address, of a picture elsewhere in full",
	"Retry-After":      "So many seconds are to pass before the next request; of a job while it is unfinished",
	"WWW-Authenticate": "That an API key is needed, or which scope this one lacks",
}

// describeHeaders says of every header what it is for, and whether a client can
// count on it. It comes after the registrations, since huma adds the headers of
// its outputs there.
func describeHeaders(doc *huma.OpenAPI) {
	for _, path := range doc.Paths {
		for _, operation := range []*huma.Operation{path.Get, path.Post, path.Delete} {
			if operation == nil {
				continue
			}
			for status, r := range operation.Responses {
				for name, h := range r.Headers {
					h.Description = headerDocs[name]
					sometimes := name == "Retry-After" && status < "400" || name == "WWW-Authenticate" && status == "403"
					h.Required = !sometimes
				}
			}
		}
	}
}

// describeTypes adds what huma can't know: the schema of problems, which none of
// its outputs has, and that a job has members that are null at first.
func describeTypes(schemas huma.Registry) {
	schemas.Schema(reflect.TypeFor[Problem](), true, "")
	schemas.Schema(reflect.TypeFor[job.Job](), true, "")
	members := schemas.Map()["Job"].Properties
	for _, name := range []string{"error", "result", "receipt"} {
		member := *schemas.SchemaFromRef(members[name].Ref) // a copy, since OpenAPI 3.0 can't say it beside a reference
		member.Nullable = true
		members[name] = &member
	}
}

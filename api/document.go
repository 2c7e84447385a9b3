package api

import (
	"maps"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atelier-go/atelier/pkg/job"
)

// replies are the responses of an operation in the OpenAPI document, by their status.
type replies = map[string]*huma.Response

// problems returns the descriptions of an operation's problems: those with the given statuses, and
// those that every operation has, which are a request from another site's page, and too many
// requests of one owner or of all. They replace huma's field Errors, which adds 422 and 500 to
// operations that never return them.
func problems(statuses ...int) replies {
	all := replies{}
	for _, status := range append(statuses, http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable) {
		all[strconv.Itoa(status)] = reply(http.StatusText(status), map[string]*huma.MediaType{
			new(Problem).ContentType(""): {Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}},
		}, append(problemHeaders[status], "Cache-Control")...)
	}
	return all
}

// withRetryAfter adds the header Retry-After to the response with status 409.
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

// pictures adds the responses of an operation that returns a picture of one of these media types to
// others.
func pictures(others replies, types ...string) replies {
	content := map[string]*huma.MediaType{}
	for _, t := range types {
		content[t] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	others["200"] = reply("The picture", content, "ETag", "Cache-Control", "Accept-Ranges")
	others["206"] = reply("The part of the picture in Range", content, "ETag", "Cache-Control", "Accept-Ranges", "Content-Range")
	others["304"] = reply("The picture is the one of If-None-Match", nil, "ETag", "Cache-Control")
	maps.Copy(others, problems(http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable))
	return others
}

// withRedirect adds the redirect to a copy on S3 to others.
func withRedirect(others replies) replies {
	others["303"] = reply("The picture is available at another address for some minutes: send no key there", nil, "Location", "Cache-Control")
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
	"Accept-Ranges":    "bytes: Range requests are supported",
	"Cache-Control":    "Whether and how long the response may be cached",
	"Content-Range":    "Which part it is, and the length of the whole",
	"ETag":             "For If-None-Match",
	"Location":         "The address: of a job, relative to the request's; of a picture, absolute",
	"Retry-After":      "Seconds to wait before the next request; for a job, while it is unfinished",
	"WWW-Authenticate": "An API key is required, or the scope that the key lacks",
}

// describeHeaders adds to each response header its description, and whether the header is always
// there. It is called after all operations are registered, because huma adds the headers of its
// outputs then.
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

// describeTypes adds the schema of problems, which none of huma's outputs contains, and marks the
// members of a job that can be null.
func describeTypes(schemas huma.Registry) {
	schemas.Schema(reflect.TypeFor[Problem](), true, "")
	schemas.Schema(reflect.TypeFor[job.Job](), true, "")
	members := schemas.Map()["Job"].Properties
	for _, name := range []string{"error", "result", "receipt"} {
		member := *schemas.SchemaFromRef(members[name].Ref) // a copy, since OpenAPI 3.0 allows no nullable beside a reference
		member.Nullable = true
		members[name] = &member
	}
}

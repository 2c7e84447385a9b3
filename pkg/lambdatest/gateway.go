package lambdatest

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// DefaultStage is the stage whose name is not a part of the API's address.
const DefaultStage = "$default"

// Gateway starts a stand-in for an HTTP API of API Gateway, which sends its requests to a function
// in payload format 2.0. As AWS documents it, paths begin with the name of the stage, except that
// of [DefaultStage]. rawPath contains that name too, and everything in it except %25 is decoded.
// Gateway returns the base address of the API, which ends in a slash.
func Gateway(t testing.TB, f *Function, stage string) (base string) {
	t.Helper()
	prefix := "/" + stage
	if stage == DefaultStage {
		prefix = ""
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rest, ok := strings.CutPrefix(r.URL.Path, prefix); !ok || prefix != "" && rest != "" && rest[0] != '/' {
			http.Error(w, `{"message":"Not Found"}`, http.StatusNotFound)
			return
		}
		e, err := httpEvent(r, stage)
		if err == nil {
			err = relay(w, f, e)
		}
		if err != nil {
			t.Logf("%s %s: %v", r.Method, r.URL, err)
			http.Error(w, `{"message":"Internal Server Error"}`, http.StatusInternalServerError)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + prefix + "/"
}

// RequestID is the id that the gateway gives to every request. It has the form of API Gateway's
// ids.
const RequestID = "JKJaXmPLvHcESHA="

func httpEvent(r *http.Request, stage string) (e events.APIGatewayV2HTTPRequest, err error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return e, err
	}
	e = events.APIGatewayV2HTTPRequest{
		Version: "2.0", RawPath: rawPath(r.URL), RawQueryString: r.URL.RawQuery,
		Headers: map[string]string{"host": r.Host},
	}
	for name, values := range r.Header {
		if name == "Cookie" {
			e.Cookies = values
			continue
		}
		e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	if len(body) > 0 {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	e.RequestContext.Stage, e.RequestContext.RequestID = stage, RequestID
	e.RequestContext.DomainName = "0a1b2c3d.execute-api.us-east-1.amazonaws.com"
	e.RequestContext.HTTP.Method, e.RequestContext.HTTP.Path = r.Method, e.RawPath
	e.RequestContext.HTTP.SourceIP, _, _ = net.SplitHostPort(r.RemoteAddr)
	return e, nil
}

// rawPath decodes a path, except the escape of the percent sign.
func rawPath(u *url.URL) string {
	parts := strings.Split(u.EscapedPath(), "%25")
	for i, p := range parts {
		if decoded, err := url.PathUnescape(p); err == nil {
			parts[i] = decoded
		}
	}
	return strings.Join(parts, "%25")
}

func relay(w http.ResponseWriter, f *Function, e events.APIGatewayV2HTTPRequest) error {
	payload, err := f.Invoke(e)
	if err != nil {
		return err
	}
	var response events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(payload, &response); err != nil {
		return err
	}
	body := []byte(response.Body)
	if response.IsBase64Encoded {
		if body, err = base64.StdEncoding.DecodeString(response.Body); err != nil {
			return err
		}
	}
	for name, value := range response.Headers {
		w.Header().Set(name, value)
	}
	for name, values := range response.MultiValueHeaders {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	w.WriteHeader(response.StatusCode)
	_, err = w.Write(body)
	return err
}

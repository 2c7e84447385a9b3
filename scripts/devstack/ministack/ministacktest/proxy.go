package ministacktest

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"testing"
)

// Proxy forwards requests to MiniStack at endpoint, with their Host, which is signed. Each
// has a connection of its own: MiniStack closes one after it has refused a body, and a PUT that
// is sent on it meanwhile fails without being repeated.
func Proxy(t testing.TB, endpoint string) *httputil.ReverseProxy {
	t.Helper()
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.Transport = &http.Transport{DisableKeepAlives: true}
	return proxy
}

package api

import (
	"net"
	"net/http"
	"strings"
)

// guard refuses requests that other sites' pages make a browser send. Such requests also reach a
// server on loopback: a page can post to it, and it can read from it if it makes its own name stand
// for 127.0.0.1 (DNS rebinding). With keys, requests may use any name for the server, because such
// a page has no key.
func guard(next http.Handler, keyless bool) http.Handler {
	cross := http.NewCrossOriginProtection() // Sec-Fetch-Site, or Origin against Host
	refuse := func(w http.ResponseWriter, detail string) {
		writeProblem(w, newProblem(http.StatusForbidden, "cross_origin", detail))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if keyless && !isLoopback(r.Host) {
			refuse(w, "this server accepts requests to localhost and loopback addresses only")
			return
		}
		if err := cross.Check(r); err != nil || loadedByOtherSite(r) {
			refuse(w, "requests from other sites' pages are refused")
			return
		}
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store") // the default: a cache may keep a 404 for any time
		if !keyless {
			w.Header().Set("Vary", "Authorization")
		}
		next.ServeHTTP(w, r)
	})
}

// loadedByOtherSite reports whether a page of another site embeds the response, for example as an
// image, instead of linking to it.
func loadedByOtherSite(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return (site == "cross-site" || site == "same-site") && r.Header.Get("Sec-Fetch-Mode") != "navigate"
}

func isLoopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

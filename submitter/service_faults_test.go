package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
)

// addFault sets the response to the next request of a kind:
//
//	STATUS [DETAIL [RETRY-AFTER]]   a problem
//	made STATUS [DETAIL]            the request is processed, and the response is a problem
//	html STATUS                     the page of a proxy
//	redirect URL                    a redirect
//	torn                            a success that ends in the middle
//	lost                            the request is processed, and the connection is closed without a response
//	claimed                         the same, and a worker claims the job
//	pages                           a redrive with a page to follow
//	page, stuck                     an empty page of a list, with a next one, or with itself as the next one
//	real                            no fault
//	hangup                          the connection is closed without a response, after the request was read
//	stall [whole|made]              no response, after some of the request was read, or all, or it was processed
//	early                           a problem, and the connection is closed, with most of the request unread
//	flip, cut, long                 a result with a wrong byte, too short, too long
func (s *service) addFault(kind string, args []string) error {
	args = append(args, "", "")
	var fault http.HandlerFunc
	switch args[0] {
	case "html":
		fault = func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<html>\x1b[31mno</html>", number(args[1]))
		}
	case "redirect":
		fault = func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, args[1], http.StatusTemporaryRedirect)
		}
	case "real":
		fault = s.real.ServeHTTP
	case "hangup":
		fault = func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseMultipartForm(1 << 20)
			panic(http.ErrAbortHandler)
		}
	case "lost", "claimed":
		fault = func(_ http.ResponseWriter, r *http.Request) {
			s.real.ServeHTTP(httptest.NewRecorder(), r)
			if args[0] == "claimed" {
				if _, err := s.claimNext(); err != nil {
					panic(err)
				}
			}
			panic(http.ErrAbortHandler)
		}
	case "pages":
		fault = func(w http.ResponseWriter, _ *http.Request) {
			const id = `"0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f"`
			s.mu.Lock()
			defer s.mu.Unlock()
			_, _ = fmt.Fprintf(w, `{"retried":[%s],"skipped":[],"next_cursor":"0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9%03d"}`, id, len(s.faults["redrive"]))
		}
	case "page", "stuck":
		fault = func(w http.ResponseWriter, r *http.Request) {
			id := [16]byte{0: 0x1d, 1: 0x80, 6: 0x70, 8: 0x80} // of a job in the year 2997
			if args[0] == "page" {
				id[15] = byte(len(r.URL.RawQuery))
			}
			_, _ = fmt.Fprintf(w, `{"jobs":[],"next_cursor":%q}`, base64.RawURLEncoding.EncodeToString(id[:]))
		}
	case "torn":
		fault = func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseMultipartForm(1 << 20)
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write([]byte(`{"id":`))
			panic(http.ErrAbortHandler)
		}
	case "stall":
		fault = func(_ http.ResponseWriter, r *http.Request) {
			switch args[1] {
			case "whole":
				_, _ = io.Copy(io.Discard, r.Body)
			case "made":
				s.real.ServeHTTP(httptest.NewRecorder(), r)
			default:
				_, _ = r.Body.Read(make([]byte, 1))
			}
			s.stalled <- struct{}{}
			<-s.released
			panic(http.ErrAbortHandler)
		}
	case "early":
		fault = respondEarly
	case "flip", "cut", "long":
		fault = func(w http.ResponseWriter, r *http.Request) { s.damaged(w, r, args[0]) }
	case "made":
		fault = func(w http.ResponseWriter, r *http.Request) {
			s.real.ServeHTTP(httptest.NewRecorder(), r)
			problem(w, args[1], args[2], "")
		}
	default:
		fault = func(w http.ResponseWriter, _ *http.Request) { problem(w, args[0], args[1], args[2]) }
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[kind] = append(s.faults[kind], fault)
	return nil
}

func problem(w http.ResponseWriter, status, detail, retryAfter string) {
	if retryAfter != "" {
		w.Header().Set("Retry-After", retryAfter)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(number(status))
	_ = json.NewEncoder(w).Encode(map[string]any{"status": number(status), "detail": detail, "code": "fault"})
}

func respondEarly(w http.ResponseWriter, r *http.Request) {
	_, _ = r.Body.Read(make([]byte, 1))
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	const detail = `{"detail":"too large, by far"}`
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 413 Content Too Large\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n\r\n%s", len(detail), detail)
	_ = conn.Close()
}

// damaged responds with a result that isn't the job's.
func (s *service) damaged(w http.ResponseWriter, r *http.Request, how string) {
	right := httptest.NewRecorder()
	s.real.ServeHTTP(right, r)
	b := right.Body.Bytes()
	switch how {
	case "flip":
		b[len(b)/2] ^= 1
	case "long":
		b = append(b, 0)
	case "cut":
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		b = b[:len(b)/2]
	}
	_, _ = w.Write(b)
	if how == "cut" {
		panic(http.ErrAbortHandler)
	}
}

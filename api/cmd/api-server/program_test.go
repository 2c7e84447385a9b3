package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // what SQS answers
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/style"
)

// A server is the real program in a separate process, with a fake of SQS.
type server struct {
	*exec.Cmd
	address string
	keys    map[string]string
	queue   *standIn
}

func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	program := filepath.Join(t.TempDir(), "api-server")
	// Not the test's own program, since the race detector multiplies its memory.
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := &server{keys: map[string]string{}, queue: &standIn{}}
	var lines string
	for _, owner := range []string{"anna", "berta", "carla"} {
		key, line := keyring.New(keyring.Holder{Owner: owner, Scopes: []keyring.Scope{keyring.Submit, keyring.Read}})
		s.keys[owner], lines = key, lines+line+"\n"
	}
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	sqs := httptest.NewServer(s.queue)
	t.Cleanup(sqs.Close)
	s.Cmd = exec.Command(program, append([]string{"--dir", t.TempDir(), "--keys", keys, "--listen", "127.0.0.1:0"}, args...)...)
	s.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+sqs.URL, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "GOMEMLIMIT=")
	said, err := s.StderrPipe()
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	log := bufio.NewScanner(said)
	for s.address == "" && log.Scan() {
		if _, rest, ok := strings.Cut(log.Text(), "msg=ready address=http://"); ok {
			s.address, _, _ = strings.Cut(rest, " ")
		}
	}
	if s.address == "" {
		t.Fatalf("the server did not start: %v", s.Wait())
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for log.Scan() {
			if line := log.Text(); strings.Contains(line, "panic") || strings.Contains(line, "goroutine ") {
				t.Errorf("the log: %s", line)
			}
		}
	}()
	t.Cleanup(func() {
		_ = s.Process.Signal(syscall.SIGKILL)
		<-drained
		_ = s.Wait()
	})
	return s
}

// A standIn is a fake of the SQS calls that the server makes.
type standIn struct {
	checks atomic.Int32 // requests for a queue's attributes
}

func (q *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ MessageBody string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	var out any
	switch _, call, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); call {
	case "GetQueueUrl":
		out = map[string]string{"QueueUrl": "http://" + r.Host + "/queue"}
	case "GetQueueAttributes":
		q.checks.Add(1)
		out = map[string]any{"Attributes": map[string]string{
			"ApproximateNumberOfMessages": "1", "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0",
		}}
	case "SendMessage":
		sum := md5.Sum([]byte(in.MessageBody)) //nolint:gosec // as above
		out = map[string]string{"MessageId": "x", "MD5OfMessageBody": hex.EncodeToString(sum[:])}
	default:
		http.Error(w, call, http.StatusNotImplemented)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(out)
}

// wantSubmission checks that an owner's submission on a new connection is accepted soon.
func (s *server) wantSubmission(t *testing.T, owner string) {
	t.Helper()
	began := time.Now()
	s.submit(t, owner)
	if took := time.Since(began); took > maxWait {
		t.Errorf("%s was kept waiting for %v", owner, took)
	}
}

func (s *server) submit(t *testing.T, owner string) (id string) {
	t.Helper()
	contentType, body := form(t, map[string][]byte{"image": padded(t, 0)}, map[string]string{"style": style.Names()[0]})
	resp, answer := s.send(t, owner, http.MethodPost, "/v1/jobs", contentType, body)
	var j struct{ ID string }
	if err := json.Unmarshal(answer, &j); err != nil || resp.StatusCode != http.StatusAccepted {
		t.Fatalf("%s's submission: %s %s", owner, resp.Status, answer)
	}
	return j.ID
}

func (s *server) request(t *testing.T, owner, method, path string) *http.Response {
	t.Helper()
	resp, _ := s.send(t, owner, method, path, "", nil)
	return resp
}

func (s *server) send(t *testing.T, owner, method, path, contentType string, body []byte) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.address+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Authorization", "Bearer "+s.keys[owner])
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, answer
}

// wantLessMemory checks the peak of the process's memory.
func (s *server) wantLessMemory(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kB int
	if _, err := fmt.Sscan(rest, &kB); err != nil {
		t.Fatal(err)
	}
	t.Logf("the process took %d MB at its peak", kB>>10)
	if kB > maxMemory {
		t.Errorf("the process took %d MB at its peak, want less than %d", kB>>10, maxMemory>>10)
	}
}

// An upload is a submission on a separate connection, whose body the test writes.
type upload struct {
	net.Conn
	answer *bufio.Reader
}

func (s *server) upload(t *testing.T, owner string, length int64) *upload {
	return s.uploadOf(t, owner, "multipart/form-data; boundary=x", length)
}

func (s *server) uploadOf(t *testing.T, owner, contentType string, length int64) *upload {
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.address)
	if err != nil {
		t.Error(err)
		return &upload{Conn: nowhere{}, answer: bufio.NewReader(strings.NewReader(""))}
	}
	context.AfterFunc(t.Context(), func() { conn.Close() })
	fmt.Fprintf(conn, "POST /v1/jobs HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
		s.address, s.keys[owner], contentType, length)
	return &upload{conn, bufio.NewReader(conn)}
}

type nowhere struct{ net.Conn }

func (nowhere) Close() error { return nil }

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }

// received reports whether the server has started to read the body; else it has refused it.
func (u *upload) received() bool { return u.status() == http.StatusContinue }

func (u *upload) status() (status int) {
	line, _ := u.answer.ReadString('\n')
	_, _ = fmt.Sscanf(line, "HTTP/1.1 %d", &status)
	if status == http.StatusContinue {
		_, _ = u.answer.ReadString('\n')
	}
	return status
}

// padded is a small picture followed by the given number of bytes.
func padded(t *testing.T, more int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 64, 64)), nil); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), make([]byte, more)...)
}

func form(t *testing.T, files map[string][]byte, fields map[string]string) (contentType string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range fields {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range files {
		part, err := w.CreateFormFile(name, "p.jpg")
		if err == nil {
			_, err = part.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.Bytes()
}

package api_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// roleVariable makes the test program a server or a client.
const roleVariable = "ATELIER_API_TEST_ROLE"

// keepsConnections hides the type of a transport: httptest closes the idle connections of an
// *http.Transport with each server, even while a request of a parallel test starts on one.
type keepsConnections struct{ http.RoundTripper }

func TestMain(m *testing.M) {
	var err error
	switch role, args, _ := strings.Cut(os.Getenv(roleVariable), " "); role {
	case "":
		http.DefaultTransport = keepsConnections{http.DefaultTransport}
		os.Exit(m.Run())
	case "server":
		err = serverProcess(args)
	case "client":
		if err := clientProcess(args); err != nil {
			fmt.Println("failed:", err) // a test may have killed the server
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A process is this program in another role. It ends when its input ends.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Reader
}

func start(t *testing.T, stdin io.Reader, role string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), roleVariable+"="+role+" "+strings.Join(args, " "), "GORACE=atexit_sleep_ms=0")
	p.cmd.Stdin, p.cmd.Stderr = stdin, os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewReader(out)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // where it has not ended by itself
		_ = p.cmd.Wait()
	})
	return p
}

// line returns the next line that the process writes.
func (p *process) line() string {
	p.t.Helper()
	line, err := p.lines.ReadString('\n')
	if err != nil {
		p.t.Fatalf("a process ended before its time: %v", err)
	}
	return strings.TrimSpace(line)
}

// A gate is the input of processes that wait for each other.
func gate(t *testing.T) (in *os.File, open func()) {
	t.Helper()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); out.Close() })
	return in, func() { out.Close() }
}

// serverProcess serves a directory and records its messages in a file beside it; or, with "hang",
// prints the first message on standard output and blocks.
func serverProcess(args string) error {
	var dir, how string
	_, _ = fmt.Sscan(args, &dir, &how)
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		return err
	}
	h, err := api.New(api.Config{Store: s, Queue: fileQueue{dir + ".sent", how == "hang"}})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	server := &http.Server{Handler: h}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	if err := server.Serve(l); err != http.ErrServerClosed {
		return err
	}
	return nil
}

type fileQueue struct {
	path string
	hang bool
}

func (n fileQueue) Send(_ context.Context, m job.Message) error {
	if n.hang {
		fmt.Println("sending", m.Job)
		select {}
	}
	f, err := os.OpenFile(n.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(m.Encode() + "\n") // one write, so that they don't mix
	return err
}

func (fileQueue) Check(context.Context) error { return nil }

// clientProcess submits a form to a URL with a key when its input ends, repeats that while the
// service is busy, and prints the status and the response.
func clientProcess(args string) error {
	var form, contentType, url, key string
	if _, err := fmt.Sscan(args, &form, &contentType, &url, &key); err != nil {
		return err
	}
	body, err := os.ReadFile(form)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	for {
		resp, answer, err := postOnce(url, contentType, key, body)
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusServiceUnavailable {
			fmt.Println(resp.StatusCode, strings.TrimSpace(string(answer)))
			return nil
		}
		time.Sleep(100 * time.Millisecond) // in place of Retry-After, which is longer
	}
}

func postOnce(url, contentType, key string, body []byte) (*http.Response, []byte, error) {
	req, err := http.NewRequest(http.MethodPost, url+"/v1/jobs", bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Content-Type", strings.ReplaceAll(contentType, "_", " "))
	req.Header.Set("Idempotency-Key", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp, answer, err
}

// sharedDir is a directory that servers share.
func sharedDir(t *testing.T) string { return filepath.Join(t.TempDir(), "shared") }

func sentMessages(t *testing.T, dir string) []string {
	t.Helper()
	b, err := os.ReadFile(dir + ".sent")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Fields(string(b))
}

// kill ends a process like a crash, and waits for it.
func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		p.t.Fatal(err)
	}
	_ = p.cmd.Wait()
}

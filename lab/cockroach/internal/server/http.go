package server

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"time"

	"lab/cockroach/internal/state"
)

// Words of the real readiness check.
const (
	waitingText    = "node is waiting for cluster initialization"
	drainingText   = "node is shutting down"
	unhealthyText  = "node is not healthy"
	noCookieText   = "a valid authentication cookie is required"
	codeUnavailble = 14
)

// readiness is "" where the node serves clients.
func (n *Node) readiness() string {
	if !n.initialized() {
		return waitingText
	}
	if n.draining.Load() {
		return drainingText
	}
	member, ok := n.machine.Member(n.ID())
	fresh := ok && member.Info.StartedAt == n.started.UnixNano() // the cluster has heard of this run of the process
	if !fresh || !live(member, time.Now()) || member.Membership == state.Decommissioned {
		return unhealthyText
	}
	return ""
}

func (n *Node) serveHTTP(listener net.Listener) {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", n.handleHealth)
	mux.HandleFunc("/_admin/v1/health", n.afterInit(n.handleHealth))
	mux.HandleFunc("/_status/vars", n.afterInit(n.handleVars))
	mux.HandleFunc("/metrics", n.afterInit(n.handleVars))
	for _, path := range []string{"/_status/", "/_admin/", "/ts/", "/api/", "/debug/"} {
		mux.HandleFunc(path, n.afterInit(refuseWithoutCookie))
	}
	mux.HandleFunc("/", n.afterInit(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte("The stand-in has no DB Console.\n"))
	}))
	n.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, ErrorLog: quietLog()}
	n.background(func() { _ = n.http.Serve(&consoleListener{Listener: listener, config: n.certs.ConsoleConfig()}) })
}

// afterInit hides a path until the node has a cluster: the real one registers only /health before that.
func (n *Node) afterInit(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !n.initialized() {
			http.NotFound(w, r)
			return
		}
		handler(w, r)
	}
}

func (n *Node) handleHealth(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	ready := r.URL.Query().Get("ready")
	if reason := n.readiness(); reason != "" && (ready == "1" || ready == "true") {
		w.WriteHeader(http.StatusServiceUnavailable)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": reason, "code": codeUnavailble, "message": reason, "details": []any{}})
		return
	}
	_, _ = w.Write([]byte("{}"))
}

// refuseWithoutCookie answers every path that needs a session. A client certificate is no help here, as in the real one; and
// since the stand-in has no password users, there is no session to be had.
func refuseWithoutCookie(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, noCookieText, http.StatusUnauthorized)
}

// consoleListener serves TLS, and answers plain HTTP with a redirect as the real one does, by wrapping the first.
type consoleListener struct {
	net.Listener
	config *tls.Config
}

// Accept hands the connection on unread: telling TLS from plain HTTP happens with its first read, which must not hold up others.
func (l *consoleListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tls.Server(&redirecting{Conn: conn, reader: bufio.NewReader(conn)}, l.config), nil
}

// redirecting watches for a plain HTTP request where a TLS handshake was due.
type redirecting struct {
	net.Conn
	reader  *bufio.Reader
	checked bool
}

func (c *redirecting) Read(data []byte) (int, error) {
	if !c.checked {
		c.checked = true
		if first, err := c.reader.Peek(1); err == nil && first[0] >= 'A' && first[0] <= 'Z' {
			if request, err := http.ReadRequest(c.reader); err == nil {
				answer := "HTTP/1.1 307 Temporary Redirect\r\nLocation: https://" + request.Host + request.RequestURI + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
				_, _ = c.Conn.Write([]byte(answer))
			}
			_ = c.Conn.Close()
			return 0, net.ErrClosed
		}
	}
	return c.reader.Read(data)
}

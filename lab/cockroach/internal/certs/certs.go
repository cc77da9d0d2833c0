// Package certs loads the files of a --certs-dir and checks them as CockroachDB does: who a certificate is for, and that no
// key is readable by others.
package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Users that certificates stand for.
const (
	NodeUser = "node"
	RootUser = "root"
)

const (
	maxKeyMode      = 0o700
	maxGroupKeyMode = 0o740 // for keys owned by root whose group is this process's
	skipModeCheck   = "COCKROACH_SKIP_KEY_PERMISSION_CHECK"
)

// Principals are the users that a certificate may act as: its common name and its DNS names.
func Principals(certificate *x509.Certificate) []string {
	return append([]string{certificate.Subject.CommonName}, certificate.DNSNames...)
}

// ActsAs says whether a certificate stands for one of the users.
func ActsAs(certificate *x509.Certificate, users ...string) bool {
	for _, principal := range Principals(certificate) {
		if slices.Contains(users, principal) {
			return true
		}
	}
	return false
}

// Pair is a certificate with its key, and the authorities that the directory trusts.
type Pair struct {
	Certificate tls.Certificate
	Leaf        *x509.Certificate
	CAs         *x509.CertPool
	CA          *x509.Certificate
}

// Expiry is when the certificate ends.
func (p *Pair) Expiry() time.Time { return p.Leaf.NotAfter }

// LoadNode reads ca.crt, node.crt and node.key.
func LoadNode(dir string) (*Pair, error) {
	pair, err := load(dir, "node")
	if err != nil {
		return nil, fmt.Errorf("cannot load certificates.\nCheck your certificate settings, set --certs-dir, or use --insecure for insecure clusters.\n\n%w", err)
	}
	if !ActsAs(pair.Leaf, NodeUser) {
		return nil, fmt.Errorf("cannot load certificates.\nserver certificate not found: problem with node certificate %s: "+
			"node certificate has principals %q, expected %q", filepath.Join(dir, "node.crt"), Principals(pair.Leaf), NodeUser)
	}
	return pair, nil
}

// LoadClient reads ca.crt and client.<user>.crt and .key; root falls back on the node's own certificate, as the real one does
// for administrative commands.
func LoadClient(dir, user string) (*Pair, error) {
	pair, err := load(dir, "client."+user)
	if errors.Is(err, os.ErrNotExist) && user == RootUser {
		if node, nodeErr := load(dir, "node"); nodeErr == nil {
			return node, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot load certificates.\nCheck your certificate settings, set --certs-dir, or use --insecure for insecure clusters.\n\n"+
			"problem using security settings: problem with client cert for user %s: %w", user, err)
	}
	return pair, nil
}

// LoadCAs reads ca.crt alone.
func LoadCAs(dir string) (*x509.CertPool, *x509.Certificate, error) {
	path := filepath.Join(dir, "ca.crt")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("problem with CA certificate: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, nil, fmt.Errorf("problem with CA certificate: no certificates found in %s", path)
	}
	first, err := firstCertificate(data)
	if err != nil {
		return nil, nil, fmt.Errorf("problem with CA certificate %s: %w", path, err)
	}
	return pool, first, nil
}

func load(dir, name string) (*Pair, error) {
	pool, authority, err := LoadCAs(dir)
	if err != nil {
		return nil, err
	}
	certificatePath, keyPath := filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	if err := checkKeyMode(keyPath); err != nil {
		return nil, err
	}
	certificate, err := tls.LoadX509KeyPair(certificatePath, keyPath)
	if err != nil {
		return nil, fmt.Errorf("problem with %s: %w", certificatePath, err)
	}
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("problem with %s: %w", certificatePath, err)
	}
	now := time.Now()
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return nil, fmt.Errorf("problem with %s: certificate is valid from %s to %s", certificatePath, leaf.NotBefore, leaf.NotAfter)
	}
	return &Pair{Certificate: certificate, Leaf: leaf, CAs: pool, CA: authority}, nil
}

func checkKeyMode(path string) error {
	if skip := strings.ToLower(os.Getenv(skipModeCheck)); skip == "true" || skip == "1" {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("key file %s: %w", path, err)
	}
	limit := os.FileMode(maxKeyMode)
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid == 0 && int(owner.Gid) == os.Getgid() {
		limit = maxGroupKeyMode
	}
	if mode := info.Mode().Perm(); mode&^limit != 0 {
		return fmt.Errorf("key file %s has permissions %s, exceeds %s", path, mode, limit)
	}
	return nil
}

// Manager serves the node's current certificates to long-lived listeners and dialers, and reloads them on SIGHUP.
type Manager struct {
	dir     string
	current atomic.Pointer[Pair]
}

// NewManager loads the directory once.
func NewManager(dir string) (*Manager, error) {
	m := &Manager{dir: dir}
	return m, m.Reload()
}

// Reload reads the files again; on an error the earlier ones stay in use.
func (m *Manager) Reload() error {
	pair, err := LoadNode(m.dir)
	if err != nil {
		return err
	}
	m.current.Store(pair)
	return nil
}

// Current is the pair in use.
func (m *Manager) Current() *Pair { return m.current.Load() }

// ServerConfig is for listeners: a client certificate is optional, and verified where it is given.
func (m *Manager) ServerConfig(protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: protocols,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			pair := m.Current()
			return &tls.Config{
				MinVersion: tls.VersionTLS12, NextProtos: protocols, Certificates: []tls.Certificate{pair.Certificate},
				ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pair.CAs,
			}, nil
		},
	}
}

// ConsoleConfig is for the HTTP port, which takes no client certificates.
func (m *Manager) ConsoleConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &m.Current().Certificate, nil },
	}
}

// ClientConfig is for dialling another node, whose certificate must be valid for the host dialled.
func (m *Manager) ClientConfig(host string) *tls.Config { return m.Current().ClientConfig(host) }

// ClientConfig presents this pair and verifies the server's certificate for host.
func (p *Pair) ClientConfig(host string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: host, RootCAs: p.CAs, Certificates: []tls.Certificate{p.Certificate}, NextProtos: []string{"h2"},
	}
}

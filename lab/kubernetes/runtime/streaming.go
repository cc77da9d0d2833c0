package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-streaming/pkg/streaming"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"

	"lab/kubernetes/network"
)

// startStreaming serves exec, attach and port forwarding on the loopback interface, where only the kubelet asks.
func (s *Service) startStreaming() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	config := streaming.DefaultConfig
	config.Addr = listener.Addr().String()
	config.BaseURL = &url.URL{Scheme: "http", Host: config.Addr}
	if s.server, err = streaming.NewServer(config, streams{s}); err != nil {
		return err
	}
	go func() { _ = (&http.Server{Handler: s.server, ReadHeaderTimeout: time.Minute}).Serve(listener) }()
	return nil
}

// Exec returns the address to run a command at.
func (s *Service) Exec(_ context.Context, request *runtimeapi.ExecRequest) (*runtimeapi.ExecResponse, error) {
	if _, err := s.running(request.GetContainerId()); err != nil {
		return nil, err
	}
	return s.server.GetExec(request)
}

// Attach returns the address to attach to a container at.
func (s *Service) Attach(_ context.Context, request *runtimeapi.AttachRequest) (*runtimeapi.AttachResponse, error) {
	if _, err := s.running(request.GetContainerId()); err != nil {
		return nil, err
	}
	return s.server.GetAttach(request)
}

// PortForward returns the address to forward ports at.
func (s *Service) PortForward(_ context.Context, request *runtimeapi.PortForwardRequest) (*runtimeapi.PortForwardResponse, error) {
	return s.server.GetPortForward(request)
}

func (s *Service) running(id string) (*container, error) {
	found, err := s.find(id)
	if err != nil {
		return nil, err
	}
	if s.stateOf(found) != runtimeapi.ContainerState_CONTAINER_RUNNING {
		return nil, status.Errorf(codes.FailedPrecondition, "container %s is not running", id)
	}
	return found, nil
}

// streams is the streaming server's view of the runtime.
type streams struct{ *Service }

// Exec runs a command with its streams connected to a client.
func (s streams) Exec(ctx context.Context, id string, command []string, in io.Reader, out, errOut io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize) error {
	if tty {
		return s.execTerminal(ctx, id, command, in, out, resize)
	}
	// A nil *interface* only where there is no client stream, or the command would write into nothing.
	var stdout, stderr io.Writer
	if out != nil {
		stdout = out
	}
	if errOut != nil {
		stderr = errOut
	}
	return s.exec(ctx, id, command, in, stdout, stderr)
}

// Attach connects a client with a running container, by way of the container's conmon.
func (s streams) Attach(ctx context.Context, id string, in io.Reader, out, errOut io.WriteCloser, _ bool, resize <-chan remotecommand.TerminalSize) error {
	attached, err := s.running(id)
	if err != nil {
		return err
	}
	directory, err := os.Open(s.containerDirectory(id))
	if err != nil {
		return err
	}
	defer func() { _ = directory.Close() }()
	connection, err := net.DialUnix("unixpacket", nil, socketAddress("unixpacket", directory, "attach"))
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	go func() {
		for size := range resize {
			if control, err := os.OpenFile(filepath.Join(s.containerDirectory(id), "ctl"), os.O_WRONLY, 0); err == nil {
				_, _ = fmt.Fprintf(control, "1 %d %d\n", size.Height, size.Width)
				_ = control.Close()
			}
		}
	}()
	if in != nil && attached.Config.GetStdin() {
		go func() {
			_, _ = io.Copy(connection, in)
			_ = connection.CloseWrite()
		}()
	}
	go func() {
		<-ctx.Done()
		_ = connection.Close()
	}()
	packet := make([]byte, 1+32<<10)
	for {
		length, err := connection.Read(packet)
		if length < 1 || err != nil {
			if err == nil || errors.Is(err, io.EOF) || ctx.Err() != nil {
				return nil
			}
			return err
		}
		// The first byte tells standard output (2) from standard error (3).
		to := out
		if packet[0] == 3 {
			to = errOut
		}
		if to != nil {
			if _, err := to.Write(packet[1:length]); err != nil {
				return err
			}
		}
	}
}

// PortForward connects a client with a port on the pod's own loopback interface.
func (s streams) PortForward(ctx context.Context, id string, port int32, client io.ReadWriteCloser) error {
	s.mu.Lock()
	pod := s.sandboxes[id]
	ready := pod != nil && pod.ready()
	s.mu.Unlock()
	if !ready {
		return status.Errorf(codes.NotFound, "pod sandbox %s is not running", id)
	}
	var connection net.Conn
	err := network.Within(pod.Holder.Pid, func() (err error) {
		connection, err = (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		return err
	})
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(connection, client)
		_ = connection.(*net.TCPConn).CloseWrite()
	}()
	_, err = io.Copy(client, connection)
	return errors.Join(err, connection.Close())
}

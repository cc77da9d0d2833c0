package runtime

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
)

// execTerminal runs a command in a container on a terminal of its own.
func (s *Service) execTerminal(ctx context.Context, id string, arguments []string, in io.Reader, out io.Writer, resize <-chan remotecommand.TerminalSize) error {
	run, err := s.prepareExec(id, arguments, true)
	if err != nil {
		return err
	}
	defer run.clean()
	directory, err := os.Open(run.directory)
	if err != nil {
		return err
	}
	defer func() { _ = directory.Close() }()
	listener, err := net.ListenUnix("unix", socketAddress("unix", directory, "console"))
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	var said bytes.Buffer
	run.command.Stdout, run.command.Stderr = &said, &said
	if err := run.command.Start(); err != nil {
		return err
	}
	_ = listener.SetDeadline(time.Now().Add(30 * time.Second))
	terminal, err := receiveTerminal(listener)
	if err != nil {
		_ = run.command.Process.Kill()
		return errors.Join(err, run.wait(ctx), errors.New(said.String()))
	}
	go func() {
		for size := range resize {
			_ = setSize(terminal, size)
		}
	}()
	if in != nil {
		go func() { _, _ = io.Copy(terminal, in) }()
	}
	copied := make(chan struct{})
	go func() {
		_, _ = io.Copy(out, terminal) // ends with an I/O error when the last process on the terminal has ended
		close(copied)
	}()
	err = run.wait(ctx)
	select {
	case <-copied:
	case <-time.After(time.Second): // a child left in the background holds the terminal
	}
	_ = terminal.Close()
	return err
}

// socketAddress names a socket in an open directory, whose own path may be longer than a socket's may.
func socketAddress(kind string, directory *os.File, name string) *net.UnixAddr {
	return &net.UnixAddr{Name: fmt.Sprintf("/proc/self/fd/%d/%s", directory.Fd(), name), Net: kind}
}

// receiveTerminal takes the terminal's controlling side, as crun sends it over a Unix socket.
func receiveTerminal(listener *net.UnixListener) (*os.File, error) {
	connection, err := listener.AcceptUnix()
	if err != nil {
		return nil, fmt.Errorf("crun sent no terminal: %w", err)
	}
	defer func() { _ = connection.Close() }()
	rights := make([]byte, unix.CmsgSpace(4))
	_, length, _, _, err := connection.ReadMsgUnix(make([]byte, 4096), rights)
	if err != nil {
		return nil, err
	}
	messages, err := unix.ParseSocketControlMessage(rights[:length])
	if err != nil || len(messages) == 0 {
		return nil, cmp.Or(err, errors.New("crun sent no terminal"))
	}
	descriptors, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(descriptors[0], true); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(descriptors[0]), "terminal"), nil
}

func setSize(terminal *os.File, size remotecommand.TerminalSize) error {
	raw, err := terminal.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(descriptor uintptr) {
		_ = unix.IoctlSetWinsize(int(descriptor), unix.TIOCSWINSZ, &unix.Winsize{Row: size.Height, Col: size.Width})
	})
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/spf13/cobra"

	"lab/cockroach/internal/certs"
	"lab/cockroach/internal/sqlexec"
)

func sqlCommand() *cobra.Command {
	var c client
	var statements, settings []string
	var file, database, format string
	command := &cobra.Command{
		Use: "sql", Short: "open a sql shell (of the stand-in: runs -e, -f or standard input)", Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if len(args) == 1 {
				c.url = args[0]
			}
			if !slices.Contains(formats, format) {
				return fmt.Errorf("invalid argument %q for \"--format\" flag: invalid table display format: %s (possible values: %s)", format, format, strings.Join(formats, ", "))
			}
			for _, setting := range settings {
				if _, _, ok := strings.Cut(setting, "="); !ok {
					statements = append([]string{"SET " + setting}, statements...)
				}
			}
			if file != "" && len(statements) > 0 {
				return errors.New("cannot use --execute and --file together")
			}
			connection, err := c.connect(context.Background(), database)
			if err != nil {
				return err
			}
			defer func() { _ = connection.Close(context.Background()) }()
			return runSQL(connection, statements, file, format)
		},
	}
	c.register(command)
	flags := command.Flags()
	flags.StringVarP(&c.user, "user", "u", environment("COCKROACH_USER", certs.RootUser), "database user")
	flags.StringVarP(&database, "database", "d", environment("COCKROACH_DATABASE", ""), "database")
	flags.StringArrayVarP(&statements, "execute", "e", nil, "statements to run; repeatable")
	flags.StringVarP(&file, "file", "f", "", "file with statements to run")
	flags.StringVar(&format, "format", defaultFormat(), "output format: "+strings.Join(formats, ", "))
	flags.StringArray("set", nil, "client-side options (accepted)")
	flags.Bool("echo-sql", false, "accepted")
	flags.Bool("debug-sql-cli", false, "accepted")
	flags.Bool("no-line-editor", false, "accepted")
	flags.Bool("embedded", false, "accepted")
	flags.Bool("safe-updates", false, "accepted")
	flags.Duration("watch", 0, "refused")
	return command
}

// connect logs in over TLS with the user's certificate.
func (c *client) connect(ctx context.Context, database string) (*pgconn.PgConn, error) {
	if c.insecure {
		return nil, errors.New("unimplemented: the lab's stand-in for cockroach has no --insecure mode")
	}
	host, port := split(c.address(), defaultPort)
	if c.url != "" {
		parsed, err := url.Parse(c.url)
		if err != nil {
			return nil, fmt.Errorf("invalid --url: %w", err)
		}
		if parsed.Hostname() != "" {
			host = parsed.Hostname()
		}
		if parsed.Port() != "" {
			port = parsed.Port()
		}
		if user := parsed.User.Username(); user != "" {
			c.user = user
		}
		if database == "" {
			database = strings.TrimPrefix(parsed.Path, "/")
		}
		if key := parsed.Query().Get("sslrootcert"); key != "" && c.certsDir == "" {
			c.certsDir = key[:strings.LastIndexByte(key, '/')]
		}
	}
	pair, err := certs.LoadClient(c.directory(), c.user)
	if err != nil {
		return nil, err
	}
	config, err := pgconn.ParseConfig("host=127.0.0.1 user=root connect_timeout=15 application_name=cockroach")
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("invalid port %q", port)
	}
	config.Host, config.Port, config.User, config.Database = host, uint16(number), c.user, database
	config.RuntimeParams = map[string]string{"application_name": "$ cockroach sql"}
	config.Fallbacks = nil
	config.TLSConfig = pair.ClientConfig(host)
	config.TLSConfig.NextProtos = []string{"postgresql"}
	config.OnNotice = func(_ *pgconn.PgConn, notice *pgconn.Notice) {
		fmt.Fprintf(os.Stderr, "%s: %s\n", notice.Severity, notice.Message)
	}
	connection, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, connectError(err)
	}
	return connection, nil
}

func connectError(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return &sqlError{refused}
	}
	return fmt.Errorf("cannot dial server.\nIs the server running?\nIf the server is running, check --host client-side and --advertise server-side.\n\n%w", err)
}

// sqlError prints as the real one prints a server's error.
type sqlError struct{ of *pgconn.PgError }

func (e *sqlError) Error() string {
	out := e.of.Message + "\nSQLSTATE: " + e.of.Code
	if e.of.Detail != "" {
		out += "\nDETAIL: " + e.of.Detail
	}
	if e.of.Hint != "" {
		out += "\nHINT: " + e.of.Hint
	}
	return out
}

func runSQL(connection *pgconn.PgConn, statements []string, file, format string) error {
	if len(statements) == 0 {
		source := io.Reader(os.Stdin)
		if file != "" && file != "-" {
			opened, err := os.Open(file)
			if err != nil {
				return err
			}
			defer func() { _ = opened.Close() }()
			source = opened
		}
		data, err := io.ReadAll(source)
		if err != nil {
			return err
		}
		if statements, err = splitSQL(string(data)); err != nil {
			return err
		}
	}
	for _, statement := range statements {
		if err := execute(connection, statement, format); err != nil {
			return err
		}
	}
	return nil
}

// splitSQL cuts a script at its semicolons, with the real grammar's own scanner; client-side commands are refused.
func splitSQL(script string) ([]string, error) {
	var plain []string
	for _, line := range strings.Split(script, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), `\`) {
			return nil, fmt.Errorf("unimplemented: the lab's stand-in for cockroach has no client-side command %s", strings.Fields(line)[0])
		}
		plain = append(plain, line)
	}
	return sqlexec.Split(strings.Join(plain, "\n")), nil
}

func execute(connection *pgconn.PgConn, statement, format string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 24*time.Hour)
	defer cancel()
	results := connection.Exec(ctx, statement)
	for results.NextResult() {
		reader := results.ResultReader()
		var header []string
		for _, field := range reader.FieldDescriptions() {
			header = append(header, field.Name)
		}
		var rows [][]cell
		for reader.NextRow() {
			row := make([]cell, len(header))
			for i, value := range reader.Values() {
				if value != nil {
					copied := string(value)
					row[i] = &copied
				}
			}
			rows = append(rows, row)
		}
		tag, err := reader.Close()
		if err != nil {
			_ = results.Close()
			return wrap(err)
		}
		if header == nil {
			fmt.Println(tag.String())
			continue
		}
		if err := render(os.Stdout, format, header, rows); err != nil {
			_ = results.Close()
			return err
		}
	}
	return wrap(results.Close())
}

func wrap(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return &sqlError{refused}
	}
	return err
}

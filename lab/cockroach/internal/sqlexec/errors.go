package sqlexec

import "fmt"

// SQLSTATE codes, as CockroachDB gives them.
const (
	codeUnsupported      = "0A000"
	codeInvalidText      = "22P02"
	codeInvalidParameter = "22023"
	codeDivisionByZero   = "22012"
	codeNotNull          = "23502"
	codeUnique           = "23505"
	codeForeign          = "2BP01"
	codeNoTransaction    = "25P01"
	codeAborted          = "25P02"
	codeNoDatabase       = "3D000"
	codeRetry            = "40001"
	codeSyntax           = "42601"
	codePrivilege        = "42501"
	codeInvalidName      = "42602"
	codeUndefinedColumn  = "42703"
	codeUndefinedObject  = "42704"
	codeDuplicate        = "42710"
	codeTypeMismatch     = "42804"
	codeUndefinedFunc    = "42883"
	codeDuplicateDB      = "42P04"
	codeDuplicateTable   = "42P07"
	codeUndefinedTable   = "42P01"
	codeDatabaseDef      = "42P12"
	codeTableDef         = "42P16"
	codeUndefinedParam   = "42P02"
	codeUnavailable      = "58C00"
	codeInternal         = "XX000"
)

// Error is what a client is told.
type Error struct {
	Code, Message, Detail, Hint string
}

func (e *Error) Error() string { return e.Message }

func errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) hint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

func unsupported(what string) *Error {
	return errorf(codeUnsupported, "unimplemented: the lab's stand-in for CockroachDB does not support %s", what).
		hint("The statement is valid; use a real cockroach binary for it.")
}

// ErrUnavailable is a request that waited in vain for a quorum.
var ErrUnavailable = &Error{
	Code:    codeUnavailable,
	Message: "replica unavailable: unable to serve request to r1: lost quorum (or slow replication): too few voters can be reached",
}

// Command lab-cockroach stands in for the `cockroach` binary in the lab. See README.md for what it does for real.
package main

import (
	"os"

	"lab/cockroach/internal/cli"
)

func main() { os.Exit(cli.Run(os.Args[1:])) }

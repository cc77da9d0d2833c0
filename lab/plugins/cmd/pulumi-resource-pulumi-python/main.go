// Command pulumi-resource-pulumi-python hosts Python dynamic providers.
package main

import (
	"fmt"
	"os"

	"lab/plugins/internal/pyhost"
)

func main() {
	const name = "pulumi-resource-pulumi-python"
	if err := pyhost.Dynamic(name, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

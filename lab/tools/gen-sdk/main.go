// Command gen-sdk writes a package's SDK for a language, as `pulumi package gen-sdk` does where the language's host is
// installed: with the generators of the engine's own release, which those hosts call.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	golang "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "gen-sdk SCHEMA LANGUAGE FOLDER: LANGUAGE is go or nodejs")
		os.Exit(2)
	}
	if err := generate(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "gen-sdk:", err)
		os.Exit(1)
	}
}

// generate fails where the schema is not valid, as the engine has it.
func generate(file, language, folder string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return err
	}
	pkg, problems, err := schema.BindSpec(spec, schema.NewNullLoader(), schema.ValidationOptions{})
	if err != nil {
		return err
	}
	if problems.HasErrors() {
		return problems
	}
	files, err := sources(pkg, language)
	if err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// sources are the SDK's files by their paths.
func sources(pkg *schema.Package, language string) (map[string][]byte, error) {
	switch language {
	case "go":
		return golang.GeneratePackage("gen-sdk", pkg, nil)
	case "nodejs":
		return nodejs.GeneratePackage("gen-sdk", pkg, nil, nil, true, nil)
	}
	return nil, fmt.Errorf("%s: go or nodejs", language)
}

package tls

import (
	"maps"
	"slices"

	"lab/plugins/internal/wire"
)

// resourceType is one kind of resource: what goes in, what comes out, how it is made.
type resourceType struct {
	inputs map[string]field
	rules  []func(wire.Object) *problem
	// computed are the outputs that are not inputs.
	computed []string
	secrets  []string
	// writeOnly inputs are used and never put into the outputs.
	writeOnly []string
	// renews tells that a certificate nearing its end is replaced.
	renews bool
	create func(inputs values) (id string, outputs wire.Object, err error)
}

// values are the plain inputs of a resource, all known.
type values wire.Object

func (v values) text(name string) string {
	word, _ := v[name].(string)
	return word
}

func (v values) number(name string) (int64, bool) {
	n, is := v[name].(int64)
	return n, is
}

func (v values) flag(name string) bool {
	flag, _ := v[name].(bool)
	return flag
}

func (v values) list(name string) []string {
	items, _ := v[name].([]any)
	var words []string
	for _, item := range items {
		if word, is := item.(string); is {
			words = append(words, word)
		}
	}
	return words
}

// either is the first of several names that has a value.
func (v values) either(names ...string) string {
	for _, name := range names {
		if word := v.text(name); word != "" {
			return word
		}
	}
	return ""
}

// exactlyOne refuses inputs with none or both of a key and its write-only form, and the latter without its version.
func exactlyOne(name string) func(wire.Object) *problem {
	return func(inputs wire.Object) *problem {
		plain, writeOnly, version := inputs[name] != nil, inputs[name+"Wo"] != nil, inputs[name+"WoVersion"] != nil
		switch {
		case plain && writeOnly, !plain && !writeOnly:
			return &problem{name, "exactly one of " + name + " and " + name + "Wo is needed"}
		case writeOnly != version:
			return &problem{name + "WoVersion", name + "Wo and " + name + "WoVersion go together"}
		default:
			return nil
		}
	}
}

func keyInput(name string) map[string]field {
	return map[string]field{
		name:               {kind: text, replaces: true},
		name + "Wo":        {kind: text},
		name + "WoVersion": {kind: number, replaces: true},
	}
}

func merge(parts ...map[string]field) map[string]field {
	all := map[string]field{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}

var names = map[string]field{
	"subject":     {kind: object, replaces: true},
	"dnsNames":    {kind: list, replaces: true},
	"ipAddresses": {kind: list, replaces: true, each: notEmpty},
	"uris":        {kind: list, replaces: true, each: notEmpty},
}

var certificate = map[string]field{
	"allowedUses":         {kind: list, required: true, replaces: true, oneOf: usageWords()},
	"validityPeriodHours": {kind: number, required: true, replaces: true},
	"earlyRenewalHours":   {kind: number, preset: int64(0)},
	"isCaCertificate":     {kind: boolean, preset: false, replaces: true},
	"maxPathLength":       {kind: number, replaces: true, least: -1},
	"setSubjectKeyId":     {kind: boolean, preset: false, replaces: true},
}

var certificateOutputs = []string{"certPem", "readyForRenewal", "validityStartTime", "validityEndTime"}

func usageWords() []string {
	return slices.Sorted(maps.Keys(mergeUsages()))
}

func mergeUsages() map[string]bool {
	words := map[string]bool{}
	for word := range keyUsages {
		words[word] = true
	}
	for word := range extendedKeyUsages {
		words[word] = true
	}
	return words
}

// resourceTypes are all that the provider makes, by type token.
var resourceTypes = map[string]resourceType{
	"tls:index/privateKey:PrivateKey": {
		inputs: map[string]field{
			"algorithm":  {kind: text, required: true, replaces: true, oneOf: []string{"RSA", "ECDSA", "ED25519"}},
			"rsaBits":    {kind: number, preset: int64(2048), replaces: true},
			"ecdsaCurve": {kind: text, preset: "P224", replaces: true, oneOf: []string{"P224", "P256", "P384", "P521"}},
		},
		computed: []string{
			"privateKeyPem", "privateKeyOpenssh", "privateKeyPemPkcs8", "publicKeyPem", "publicKeyOpenssh",
			"publicKeyFingerprintMd5", "publicKeyFingerprintSha256",
		},
		secrets: []string{"privateKeyPem", "privateKeyOpenssh", "privateKeyPemPkcs8"},
		create:  createPrivateKey,
	},
	"tls:index/certRequest:CertRequest": {
		inputs:    merge(names, keyInput("privateKeyPem")),
		rules:     []func(wire.Object) *problem{exactlyOne("privateKeyPem")},
		computed:  []string{"keyAlgorithm", "certRequestPem"},
		secrets:   []string{"privateKeyPem"},
		writeOnly: []string{"privateKeyPemWo"},
		create:    createCertRequest,
	},
	"tls:index/selfSignedCert:SelfSignedCert": {
		inputs: merge(names, certificate, keyInput("privateKeyPem"), map[string]field{
			"setAuthorityKeyId": {kind: boolean, preset: false, replaces: true},
		}),
		rules:     []func(wire.Object) *problem{exactlyOne("privateKeyPem")},
		computed:  append([]string{"keyAlgorithm"}, certificateOutputs...),
		secrets:   []string{"privateKeyPem"},
		writeOnly: []string{"privateKeyPemWo"},
		renews:    true,
		create:    createSelfSigned,
	},
	"tls:index/locallySignedCert:LocallySignedCert": {
		inputs: merge(certificate, keyInput("caPrivateKeyPem"), map[string]field{
			"caCertPem":      {kind: text, required: true, replaces: true},
			"certRequestPem": {kind: text, required: true, replaces: true},
		}),
		rules:     []func(wire.Object) *problem{exactlyOne("caPrivateKeyPem")},
		computed:  append([]string{"caKeyAlgorithm"}, certificateOutputs...),
		secrets:   []string{"caPrivateKeyPem"},
		writeOnly: []string{"caPrivateKeyPemWo"},
		renews:    true,
		create:    createLocallySigned,
	},
}

package tls

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // names a resource, protects nothing
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"

	"lab/plugins/internal/wire"
)

var curves = map[string]elliptic.Curve{
	"P224": elliptic.P224(), "P256": elliptic.P256(), "P384": elliptic.P384(), "P521": elliptic.P521(),
}

func encodePEM(blockType string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der}))
}

func resourceID(content []byte) string {
	sum := sha1.Sum(content) //nolint:gosec // names a resource, protects nothing
	return hex.EncodeToString(sum[:])
}

func generate(inputs values) (crypto.Signer, error) {
	switch algorithm := inputs.text("algorithm"); algorithm {
	case "RSA":
		bits, _ := inputs.number("rsaBits")
		return rsa.GenerateKey(rand.Reader, int(bits))
	case "ECDSA":
		return ecdsa.GenerateKey(curves[inputs.text("ecdsaCurve")], rand.Reader)
	case "ED25519":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	default:
		return nil, fmt.Errorf("key algorithm %q is not supported", algorithm)
	}
}

// marshalKey writes a key in its algorithm's traditional form.
func marshalKey(key crypto.Signer) (string, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return encodePEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)), nil
	case *ecdsa.PrivateKey:
		der, err := x509.MarshalECPrivateKey(key)
		return encodePEM("EC PRIVATE KEY", der), err
	default:
		der, err := x509.MarshalPKCS8PrivateKey(key)
		return encodePEM("PRIVATE KEY", der), err
	}
}

func createPrivateKey(inputs values) (string, wire.Object, error) {
	key, err := generate(inputs)
	if err != nil {
		return "", nil, fmt.Errorf("generating a key: %w", err)
	}
	traditional, err := marshalKey(key)
	if err != nil {
		return "", nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", nil, err
	}
	outputs := wire.Object{
		"privateKeyPem":              traditional,
		"privateKeyPemPkcs8":         encodePEM("PRIVATE KEY", pkcs8),
		"publicKeyPem":               encodePEM("PUBLIC KEY", public),
		"privateKeyOpenssh":          "",
		"publicKeyOpenssh":           "",
		"publicKeyFingerprintMd5":    "",
		"publicKeyFingerprintSha256": "",
	}
	// OpenSSH has no form for P-224.
	if sshPublic, err := ssh.NewPublicKey(key.Public()); err == nil {
		block, err := ssh.MarshalPrivateKey(key, "")
		if err != nil {
			return "", nil, err
		}
		outputs["privateKeyOpenssh"] = string(pem.EncodeToMemory(block))
		outputs["publicKeyOpenssh"] = string(ssh.MarshalAuthorizedKey(sshPublic))
		outputs["publicKeyFingerprintMd5"] = ssh.FingerprintLegacyMD5(sshPublic)
		outputs["publicKeyFingerprintSha256"] = ssh.FingerprintSHA256(sshPublic)
	}
	return resourceID(public), outputs, nil
}

// parseKey reads a private key and names its algorithm.
func parseKey(text string) (crypto.Signer, string, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, "", errors.New("no PEM")
	}
	var parsed any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "OPENSSH PRIVATE KEY":
		parsed, err = ssh.ParseRawPrivateKey([]byte(text))
	default:
		err = fmt.Errorf("unsupported PEM type %q for a private key", block.Type)
	}
	if err != nil {
		return nil, "", err
	}
	switch key := parsed.(type) {
	case *rsa.PrivateKey:
		return key, "RSA", nil
	case *ecdsa.PrivateKey:
		return key, "ECDSA", nil
	case ed25519.PrivateKey:
		return key, "ED25519", nil
	case *ed25519.PrivateKey:
		return *key, "ED25519", nil
	default:
		return nil, "", fmt.Errorf("unsupported private key type %T", parsed)
	}
}

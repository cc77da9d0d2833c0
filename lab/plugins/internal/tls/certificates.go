package tls

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // RFC 5280's key identifier
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"lab/plugins/internal/wire"
)

var keyUsages = map[string]x509.KeyUsage{
	"digital_signature":  x509.KeyUsageDigitalSignature,
	"content_commitment": x509.KeyUsageContentCommitment,
	"key_encipherment":   x509.KeyUsageKeyEncipherment,
	"data_encipherment":  x509.KeyUsageDataEncipherment,
	"key_agreement":      x509.KeyUsageKeyAgreement,
	"cert_signing":       x509.KeyUsageCertSign,
	"crl_signing":        x509.KeyUsageCRLSign,
	"encipher_only":      x509.KeyUsageEncipherOnly,
	"decipher_only":      x509.KeyUsageDecipherOnly,
}

var extendedKeyUsages = map[string]x509.ExtKeyUsage{
	"any_extended":                      x509.ExtKeyUsageAny,
	"server_auth":                       x509.ExtKeyUsageServerAuth,
	"client_auth":                       x509.ExtKeyUsageClientAuth,
	"code_signing":                      x509.ExtKeyUsageCodeSigning,
	"email_protection":                  x509.ExtKeyUsageEmailProtection,
	"ipsec_end_system":                  x509.ExtKeyUsageIPSECEndSystem,
	"ipsec_tunnel":                      x509.ExtKeyUsageIPSECTunnel,
	"ipsec_user":                        x509.ExtKeyUsageIPSECUser,
	"timestamping":                      x509.ExtKeyUsageTimeStamping,
	"ocsp_signing":                      x509.ExtKeyUsageOCSPSigning,
	"microsoft_server_gated_crypto":     x509.ExtKeyUsageMicrosoftServerGatedCrypto,
	"netscape_server_gated_crypto":      x509.ExtKeyUsageNetscapeServerGatedCrypto,
	"microsoft_commercial_code_signing": x509.ExtKeyUsageMicrosoftCommercialCodeSigning,
	"microsoft_kernel_code_signing":     x509.ExtKeyUsageMicrosoftKernelCodeSigning,
}

// emailOID is the attribute of a distinguished name for an e-mail address (PKCS #9).
var emailOID = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}

func subjectName(input any) pkix.Name {
	given, _ := input.(map[string]any)
	subject := values(given)
	one := func(name string) []string {
		if word := subject.text(name); word != "" {
			return []string{word}
		}
		return nil
	}
	name := pkix.Name{
		CommonName:         subject.text("commonName"),
		SerialNumber:       subject.text("serialNumber"),
		Country:            one("country"),
		Locality:           one("locality"),
		Organization:       one("organization"),
		OrganizationalUnit: one("organizationalUnit"),
		PostalCode:         one("postalCode"),
		Province:           one("province"),
		StreetAddress:      subject.list("streetAddresses"),
	}
	if address := subject.text("emailAddress"); address != "" {
		name.ExtraNames = []pkix.AttributeTypeAndValue{{
			Type: emailOID, Value: asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte(address)},
		}}
	}
	return name
}

func createCertRequest(inputs values) (string, wire.Object, error) {
	key, algorithm, err := parseKey(inputs.either("privateKeyPem", "privateKeyPemWo"))
	if err != nil {
		return "", nil, fmt.Errorf("private key: %w", err)
	}
	template := x509.CertificateRequest{Subject: subjectName(inputs["subject"]), DNSNames: inputs.list("dnsNames")}
	if template.IPAddresses, err = parseIPs(inputs.list("ipAddresses")); err != nil {
		return "", nil, err
	}
	if template.URIs, err = parseURIs(inputs.list("uris")); err != nil {
		return "", nil, err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &template, key)
	if err != nil {
		return "", nil, fmt.Errorf("certificate request: %w", err)
	}
	return resourceID(der), wire.Object{
		"keyAlgorithm": algorithm, "certRequestPem": encodePEM("CERTIFICATE REQUEST", der),
	}, nil
}

func createSelfSigned(inputs values) (string, wire.Object, error) {
	key, algorithm, err := parseKey(inputs.either("privateKeyPem", "privateKeyPemWo"))
	if err != nil {
		return "", nil, fmt.Errorf("private key: %w", err)
	}
	template := &x509.Certificate{Subject: subjectName(inputs["subject"]), DNSNames: inputs.list("dnsNames")}
	if template.IPAddresses, err = parseIPs(inputs.list("ipAddresses")); err != nil {
		return "", nil, err
	}
	if template.URIs, err = parseURIs(inputs.list("uris")); err != nil {
		return "", nil, err
	}
	id, outputs, err := sign(inputs, template, template, key.Public(), key)
	if err != nil {
		return "", nil, err
	}
	outputs["keyAlgorithm"] = algorithm
	return id, outputs, nil
}

func createLocallySigned(inputs values) (string, wire.Object, error) {
	request, err := parseBlock(inputs.text("certRequestPem"), "CERTIFICATE REQUEST", x509.ParseCertificateRequest)
	if err != nil {
		return "", nil, fmt.Errorf("certificate request: %w", err)
	}
	key, algorithm, err := parseKey(inputs.either("caPrivateKeyPem", "caPrivateKeyPemWo"))
	if err != nil {
		return "", nil, fmt.Errorf("CA private key: %w", err)
	}
	authority, err := parseBlock(inputs.text("caCertPem"), "CERTIFICATE", x509.ParseCertificate)
	if err != nil {
		return "", nil, fmt.Errorf("CA certificate: %w", err)
	}
	template := &x509.Certificate{
		Subject: request.Subject, DNSNames: request.DNSNames, IPAddresses: request.IPAddresses, URIs: request.URIs,
	}
	id, outputs, err := sign(inputs, template, authority, request.PublicKey, key)
	if err != nil {
		return "", nil, err
	}
	outputs["caKeyAlgorithm"] = algorithm
	return id, outputs, nil
}

func parseBlock[T any](text, blockType string, parse func([]byte) (T, error)) (T, error) {
	var none T
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return none, fmt.Errorf("no PEM; expected is %q", blockType)
	}
	if block.Type != blockType {
		return none, fmt.Errorf("PEM of %q expected, this is %q", blockType, block.Type)
	}
	return parse(block.Bytes)
}

// sign issues a certificate. A maximum path length of 0 is left unset, as the real provider leaves it.
func sign(
	inputs values, template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer,
) (string, wire.Object, error) {
	hours, _ := inputs.number("validityPeriodHours")
	template.NotBefore = time.Now()
	template.NotAfter = template.NotBefore.Add(time.Duration(hours) * time.Hour)
	template.BasicConstraintsValid = true
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return "", nil, err
	}
	template.SerialNumber = serial
	for _, use := range inputs.list("allowedUses") {
		template.KeyUsage |= keyUsages[use]
		if extended, is := extendedKeyUsages[use]; is {
			template.ExtKeyUsage = append(template.ExtKeyUsage, extended)
		}
	}
	template.IsCA = inputs.flag("isCaCertificate")
	if template.IsCA && template.Subject.String() == "" {
		return "", nil, errors.New("invalid certificate subject: " +
			"a certificate authority needs a name")
	}
	if length, given := inputs.number("maxPathLength"); given && length >= 0 {
		template.MaxPathLen = int(length)
	}
	if template.IsCA || inputs.flag("setSubjectKeyId") {
		if template.SubjectKeyId, err = keyIdentifier(public); err != nil {
			return "", nil, err
		}
	}
	if inputs.flag("setAuthorityKeyId") {
		if len(parent.SubjectKeyId) == 0 {
			return "", nil, errors.New("the authority has no key identifier to refer to")
		}
		template.AuthorityKeyId = parent.SubjectKeyId
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return "", nil, fmt.Errorf("signing: %w", err)
	}
	return serial.String(), wire.Object{
		"certPem":           encodePEM("CERTIFICATE", der),
		"readyForRenewal":   false,
		"validityStartTime": template.NotBefore.Format(time.RFC3339Nano),
		"validityEndTime":   template.NotAfter.Format(time.RFC3339Nano),
	}, nil
}

// keyIdentifier is the SHA-1 of the public key (RFC 5280, 4.2.1.2).
func keyIdentifier(public crypto.PublicKey) ([]byte, error) {
	var content []byte
	var err error
	switch public := public.(type) {
	case *rsa.PublicKey:
		content = x509.MarshalPKCS1PublicKey(public)
	case *ecdsa.PublicKey:
		content, err = public.Bytes()
	case ed25519.PublicKey:
		content, err = asn1.Marshal(public)
	default:
		err = fmt.Errorf("unsupported public key type %T", public)
	}
	sum := sha1.Sum(content) //nolint:gosec // RFC 5280's key identifier
	return sum[:], err
}

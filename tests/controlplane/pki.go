package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// pki is what kube-apiserver and its administrator need, made anew for each run. One authority signs both the serving
// and the client certificate.
type pki struct {
	caCert, servingCert, servingKey, adminCert, adminKey []byte
	serviceAccountKey, serviceAccountPublicKey           []byte
}

func newPKI() (*pki, error) {
	caKey, _, err := newKey() // Nothing is signed later, so this key is stored nowhere.
	if err != nil {
		return nil, err
	}
	ca := template("controlplane-ca")
	ca.IsCA = true
	ca.KeyUsage = x509.KeyUsageCertSign
	p := &pki{}
	if p.caCert, err = sign(ca, ca, caKey.Public(), caKey); err != nil {
		return nil, err
	}

	servingKey, servingKeyPEM, err := newKey()
	if err != nil {
		return nil, err
	}
	serving := template("kube-apiserver")
	serving.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	serving.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	serving.DNSNames = []string{"localhost", "kubernetes.default.svc"}
	p.servingKey = servingKeyPEM
	if p.servingCert, err = sign(serving, ca, servingKey.Public(), caKey); err != nil {
		return nil, err
	}

	adminKey, adminKeyPEM, err := newKey()
	if err != nil {
		return nil, err
	}
	admin := template("admin")
	admin.Subject.Organization = []string{"system:masters"}
	admin.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	p.adminKey = adminKeyPEM
	if p.adminCert, err = sign(admin, ca, adminKey.Public(), caKey); err != nil {
		return nil, err
	}

	serviceAccountKey, serviceAccountKeyPEM, err := newKey()
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(serviceAccountKey.Public())
	if err != nil {
		return nil, err
	}
	p.serviceAccountKey = serviceAccountKeyPEM
	p.serviceAccountPublicKey = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	return p, nil
}

// write stores what kube-apiserver reads from files.
func (p *pki) write(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"ca.crt":      p.caCert,
		"serving.crt": p.servingCert,
		"serving.key": p.servingKey,
		"sa.key":      p.serviceAccountKey,
		"sa.pub":      p.serviceAccountPublicKey,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func template(commonName string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		Subject:               pkix.Name{CommonName: commonName},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.AddDate(1, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
	}
}

func sign(cert, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	cert.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, public, key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// newKey returns PKCS #8, the one encoding that every client's TLS library reads.
func newKey() (crypto.Signer, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
